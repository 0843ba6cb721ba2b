using System.Security.Cryptography;
using System.Text;

namespace Belfry;

/// <summary>Ids that callers make of a key: the same task and key are the same run, whoever calls.</summary>
public static class CallIds
{
    /// <summary>The id, a UUID of version 8.</summary>
    public static string Of(string task, string key)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{task}\0{key}"), hash);
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash[..16], bigEndian: true).ToString();
    }
}
