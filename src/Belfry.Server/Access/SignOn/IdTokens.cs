using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Belfry.Server.Access;

/// <summary>Checks the ID tokens of OpenID Connect. A token is a claim about a person that anybody could write: whatever is not as it must be refuses it.</summary>
static class IdTokens
{
    static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);

    // No "none", and nothing that a shared secret signs: the client's secret is known to more than one.
    static readonly Dictionary<string, (string Type, HashAlgorithmName Hash, bool Pss)> Algorithms = new(StringComparer.Ordinal)
    {
        ["RS256"] = ("RSA", HashAlgorithmName.SHA256, false), ["RS384"] = ("RSA", HashAlgorithmName.SHA384, false), ["RS512"] = ("RSA", HashAlgorithmName.SHA512, false),
        ["PS256"] = ("RSA", HashAlgorithmName.SHA256, true), ["ES256"] = ("EC", HashAlgorithmName.SHA256, false), ["ES384"] = ("EC", HashAlgorithmName.SHA384, false),
    };

    /// <summary>Which key a token names; null when it names none.</summary>
    /// <exception cref="SignOnException">It is no token.</exception>
    public static string? KeyOf(string token) => Part(token, 0).TryGetProperty("kid", out JsonElement kid) ? kid.GetString() : null;

    /// <summary>The claims of a token that is what it must be.</summary>
    /// <param name="token">The token.</param>
    /// <param name="keys">The issuer's keys, as its key set lists them.</param>
    /// <param name="issuer">Who must have issued it.</param>
    /// <param name="client">For whom.</param>
    /// <param name="nonce">In answer to what.</param>
    /// <param name="now">The present.</param>
    /// <exception cref="SignOnException">It is not.</exception>
    public static JsonElement Check(string token, IReadOnlyList<JsonElement> keys, string issuer, string client, string nonce, DateTimeOffset now)
    {
        JsonElement head = Part(token, 0), claims = Part(token, 1);
        string algorithm = Text(head, "alg") ?? "";
        Require(Algorithms.ContainsKey(algorithm), "is signed in a way that is not taken");
        Require(!head.TryGetProperty("crit", out _), "wants something that is not understood");
        Require(keys.Any(key => Fits(key, algorithm, Text(head, "kid")) && Verifies(token, key, algorithm)), "bears a signature that is not the issuer's");
        Require(Text(claims, "iss") == issuer, "is of another issuer");
        string[] audiences = Audiences(claims);
        string? party = Text(claims, "azp");
        Require(audiences.Contains(client) && (party == client || (party is null && audiences.Length == 1)), "is for another client");
        Require(Seconds(claims, "exp") is { } end && now < DateTimeOffset.FromUnixTimeSeconds(end) + ClockSkew, "is over");
        Require(Seconds(claims, "nbf") is not { } begin || now > DateTimeOffset.FromUnixTimeSeconds(begin) - ClockSkew, "is not good yet");
        Require(Text(claims, "nonce") is { } answered && Secrets.Same(answered, nonce), "answers another question");
        Require(Text(claims, "sub") is { Length: > 0 }, "names nobody");
        return claims;
    }

    static bool Fits(JsonElement key, string algorithm, string? id) =>
        Text(key, "kty") == Algorithms[algorithm].Type && Text(key, "use") is null or "sig" && (Text(key, "alg") ?? algorithm) == algorithm && (id is null || Text(key, "kid") is not { } own || own == id);

    static bool Verifies(string token, JsonElement key, string algorithm)
    {
        (string type, HashAlgorithmName hash, bool pss) = Algorithms[algorithm];
        int end = token.LastIndexOf('.');
        byte[] signed = Encoding.ASCII.GetBytes(token[..end]), signature = Bytes(token[(end + 1)..]);
        try
        {
            if (type == "RSA")
            {
                using var rsa = RSA.Create(new RSAParameters { Modulus = Bytes(Text(key, "n") ?? ""), Exponent = Bytes(Text(key, "e") ?? "") });
                return rsa.KeySize >= 2048 && rsa.VerifyData(signed, signature, hash, pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
            }
            ECCurve curve = hash == HashAlgorithmName.SHA256 ? ECCurve.NamedCurves.nistP256 : ECCurve.NamedCurves.nistP384;
            using var ec = ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = Bytes(Text(key, "x") ?? ""), Y = Bytes(Text(key, "y") ?? "") } });
            return ec.VerifyData(signed, signature, hash);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    static string[] Audiences(JsonElement claims) => claims.TryGetProperty("aud", out JsonElement aud)
        ? aud.ValueKind == JsonValueKind.Array ? [.. aud.EnumerateArray().Select(one => one.ToString())] : [aud.ToString()]
        : [];

    static JsonElement Part(string token, int number)
    {
        string[] parts = token.Split('.');
        Require(parts.Length == 3, "is no signed token");
        try
        {
            using var json = JsonDocument.Parse(Bytes(parts[number]));
            Require(json.RootElement.ValueKind == JsonValueKind.Object, "is no signed token");
            return json.RootElement.Clone();
        }
        catch (JsonException unreadable)
        {
            throw new SignOnException("the ID token is no signed token", unreadable);
        }
    }

    static byte[] Bytes(string text)
    {
        try
        {
            return System.Buffers.Text.Base64Url.DecodeFromChars(text);
        }
        catch (FormatException unreadable)
        {
            throw new SignOnException("the ID token is no signed token", unreadable);
        }
    }

    static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static long? Seconds(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double seconds) && Math.Abs(seconds) < 1e11 ? (long)seconds : null;

    static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new SignOnException($"the ID token {otherwise}");
        }
    }
}

/// <summary>Somebody could not be let in by single sign-on; the message is for the server's log, and has no secret.</summary>
sealed class SignOnException(string message, Exception? inner = null) : Exception(message, inner);
