using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Belfry.Celery;

/// <summary>Which certificates of brokers are believed.</summary>
static class BrokerTls
{
    /// <summary>Whether what is wrong with a certificate is something that the URL lets pass.</summary>
    public static bool Accepts(BrokerUrl url, SslPolicyErrors errors) =>
        !url.VerifyCertificate || (url.VerifyHost ? errors : errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None;

    /// <summary>The same for a client that cannot be given a policy: a chain that the system does not believe is built again from the URL's own authorities.</summary>
    public static bool Accepts(BrokerUrl url, X509Certificate? certificate, X509Chain? sent, SslPolicyErrors errors)
    {
        if (url.AuthorityFile is { } authorities && errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors) && certificate is X509Certificate2 shown)
        {
            using var chain = new X509Chain { ChainPolicy = TrustOnly(authorities) };
            chain.ChainPolicy.ExtraStore.AddRange(sent?.ChainPolicy.ExtraStore ?? []);
            errors &= chain.Build(shown) ? ~SslPolicyErrors.RemoteCertificateChainErrors : errors;
        }
        return Accepts(url, errors);
    }

    /// <summary>Trusts the authorities of this PEM file, and nobody else.</summary>
    public static X509ChainPolicy TrustOnly(string authorities)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(authorities);
        return policy;
    }
}
