using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;

namespace Belfry.Server.Access;

/// <summary>Passwords as hashes in the format of ASP.NET's PasswordHasher: PBKDF2 with HMAC-SHA512, 100,000 rounds, salt beside it.</summary>
public static class Passwords
{
    static readonly PasswordHasher<string> Hasher = new();

    /// <summary>A hash for nobody: a login with an unknown name takes as long as one with a known name.</summary>
    static readonly Lazy<string> Nobody = new(() => Hash(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))));

    /// <summary>The hash to keep.</summary>
    public static string Hash(string password) => Hasher.HashPassword("", password);

    /// <summary>It is the password of that hash; always false, and as slow, without a hash.</summary>
    public static bool Matches(string? hash, string password) =>
        Hasher.VerifyHashedPassword("", hash ?? Nobody.Value, password) != PasswordVerificationResult.Failed && hash is not null;

    /// <summary>The text has the form of a hash.</summary>
    public static bool IsHash(string text)
    {
        byte[] bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out int length) && length >= 49 && bytes[0] is 0 or 1;
    }
}

/// <summary>Tokens are long and random, so a plain SHA-256 of them tells nothing and is quick to check.</summary>
public static class TokenHash
{
    /// <summary>A new token: 256 random bits behind a mark by which scanners for leaked secrets know it.</summary>
    public static string NewToken() => "belfry_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>The hash to keep.</summary>
    public static string Of(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    /// <summary>It is the token of that hash; compared in constant time.</summary>
    public static bool Matches(string hash, string token) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(hash.ToLowerInvariant()), Encoding.ASCII.GetBytes(Of(token)));

    /// <summary>The text has the form of a hash.</summary>
    public static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigit);
}
