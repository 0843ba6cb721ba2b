using System.Xml.Linq;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Access;

/// <summary>What seals sessions and forms. The keys lie in the store: they survive a restart, and all servers on one store have the same.</summary>
/// <remarks>They are Belfry's own, apart from those of an application in which the server lives.</remarks>
sealed class Seals : IHostedService, IDisposable
{
    readonly ServiceProvider _services;

    public Seals(AccessStore store, ILoggerFactory loggers, TimeProvider clock)
    {
        var services = new ServiceCollection();
        services.AddSingleton(loggers).AddLogging().AddSingleton(clock);
        services.AddDataProtection().SetApplicationName("Belfry").Services.Configure<KeyManagementOptions>(keys => keys.XmlRepository = new StoredKeys(store));
        services.AddAntiforgery(form =>
        {
            (form.Cookie.Name, form.FormFieldName, form.HeaderName) = ("belfry-form", "form", "X-Belfry-Form");
            (form.Cookie.SameSite, form.Cookie.SecurePolicy, form.SuppressXFrameOptionsHeader) = (SameSiteMode.Strict, CookieSecurePolicy.SameAsRequest, true);
        });
        _services = services.BuildServiceProvider();
        Forms = _services.GetRequiredService<IAntiforgery>();
    }

    /// <summary>Shows forms of our own from those of others.</summary>
    public IAntiforgery Forms { get; }

    /// <summary>A seal that ends with its time.</summary>
    public ITimeLimitedDataProtector For(string purpose) => _services.GetRequiredService<IDataProtectionProvider>().CreateProtector(purpose).ToTimeLimitedDataProtector();

    /// <summary>Reads or makes the keys before anybody comes: a crowd that waits for the first one would hold every thread that could make it.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => Task.Run(() => For("Belfry.Start").Protect(""), cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _services.Dispose();

    // The framework asks for them once, and again when a key is made each 90 days; it knows no other way than to wait.
    sealed class StoredKeys(AccessStore store) : IXmlRepository
    {
        static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

        public IReadOnlyCollection<XElement> GetAllElements() => [.. Task.Run(() => store.KeysAsync(CancellationToken.None)).GetAwaiter().GetResult().Select(xml => XElement.Parse(xml))];

        public void StoreElement(XElement element, string friendlyName) =>
            Task.Run(() => store.AddKeyAsync(friendlyName, element.ToString(SaveOptions.DisableFormatting), CancellationToken.None)).WaitAsync(Patience).GetAwaiter().GetResult();
    }
}
