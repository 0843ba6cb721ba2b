using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Belfry.Testing;

namespace Belfry.Celery.Tests.Redis;

/// <summary>An authority of the test's own, and a certificate that it signed.</summary>
static class TestCertificate
{
    /// <summary>Writes <c>ca.pem</c>, <c>server.pem</c> and <c>server.key</c>.</summary>
    public static void Write(TempFolder folder, string host)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using RSA authorityKey = RSA.Create(2048), key = RSA.Create(2048);
        var authority = new CertificateRequest("CN=belfry test authority", authorityKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 root = authority.CreateSelfSigned(now.AddDays(-2), now.AddDays(2));

        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 server = request.Create(root, now.AddDays(-1), now.AddDays(1), [1, 2, 3, 4]);

        File.WriteAllText(folder.File("ca.pem"), root.ExportCertificatePem());
        File.WriteAllText(folder.File("server.pem"), server.ExportCertificatePem());
        File.WriteAllText(folder.File("server.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
