using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;

namespace Belfry.Server.Access;

/// <summary>Passwords as hashes in the format of ASP.NET's PasswordHasher: PBKDF2 with HMAC-SHA512, 100,000 rounds, salt beside it.</summary>
public static class Passwords
{
    /// <summary>Hashing costs time on purpose; a longer text would cost more of it.</summary>
    public const int Longest = 256;

    const int Shortest = 8;

    static readonly PasswordHasher<string> Hasher = new();

    /// <summary>A hash for nobody: a login with an unknown name takes as long as one with a known name.</summary>
    static readonly Lazy<string> Nobody = new(() => Hash(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))));

    /// <summary>The hash to keep.</summary>
    public static string Hash(string password) => Hasher.HashPassword("", password);

    /// <summary>It is the password of that hash; always false, and as slow, without a hash.</summary>
    public static bool Matches(string? hash, string password) =>
        Hasher.VerifyHashedPassword("", hash ?? Nobody.Value, password) != PasswordVerificationResult.Failed && hash is not null;

    /// <summary>What is wrong with a new password; null when nothing is.</summary>
    public static string? ProblemOf(string password, string name) =>
        password.Length < Shortest ? $"the password is too short: {Shortest} characters or more"
        : password.Length > Longest ? $"the password is too long: {Longest} characters at most"
        : password.Equals(name, StringComparison.OrdinalIgnoreCase) ? "the password is the name"
        : null;
}

/// <summary>Tokens are long and random, so a plain SHA-256 of them tells nothing and is quick to check.</summary>
public static class TokenHash
{
    /// <summary>A new token: 256 random bits behind a mark by which scanners for leaked secrets know it.</summary>
    public static string NewToken() => "belfry_" + Secrets.New();

    /// <summary>The hash to keep.</summary>
    public static string Of(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

}

/// <summary>Long random texts that are shown to one person, or to nobody.</summary>
static class Secrets
{
    /// <summary>256 random bits.</summary>
    public static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>They are the same; compared in constant time.</summary>
    public static bool Same(string one, string other) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(other));
}
