using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Belfry.Server.Admin;

/// <summary>Styles, scripts and fonts, embedded at build time; served under their own hash, so that a browser may keep them for ever.</summary>
sealed class AdminAssets
{
    const string Prefix = "admin/";
    const string Packed = ".gz";

    readonly Dictionary<string, (byte[] Bytes, bool IsPacked)> _files = new(StringComparer.Ordinal);

    public AdminAssets()
    {
        Assembly assembly = typeof(AdminAssets).Assembly;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using Stream stream = assembly.GetManifestResourceStream(name)!;
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            hash.AppendData(bytes);
            bool packed = name.EndsWith(Packed, StringComparison.Ordinal);
            _files[packed ? name[Prefix.Length..^Packed.Length] : name[Prefix.Length..]] = (bytes, packed);
        }
        Version = Convert.ToHexStringLower(hash.GetHashAndReset())[..12];
    }

    /// <summary>Changes with any of the files.</summary>
    public string Version { get; }

    /// <summary>Sends a file.</summary>
    public async Task SendAsync(HttpContext context, string version, string file, CancellationToken cancel)
    {
        if (!_files.TryGetValue(file, out (byte[] Bytes, bool IsPacked) found))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        context.Response.ContentType = TypeOf(file);
        // A page of an older version may still ask for its files; they must not be kept under that name.
        context.Response.Headers.CacheControl = version == Version ? "public, max-age=31536000, immutable" : "no-cache";
        context.Response.Headers.Vary = "Accept-Encoding";
        bool takesPacked = context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
        if (!found.IsPacked || takesPacked)
        {
            context.Response.Headers.ContentEncoding = found.IsPacked ? "gzip" : default;
            context.Response.ContentLength = found.Bytes.Length;
            await context.Response.Body.WriteAsync(found.Bytes, cancel);
            return;
        }
        await using GZipStream unpacked = new(new MemoryStream(found.Bytes), CompressionMode.Decompress);
        await unpacked.CopyToAsync(context.Response.Body, cancel);
    }

    static string TypeOf(string file) => Path.GetExtension(file) switch
    {
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        ".woff2" => "font/woff2",
        _ => "application/octet-stream",
    };
}
