using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry;

/// <summary>Lets an application report to a server instead of keeping a store of its own.</summary>
public static class ServerVerbs
{
    /// <summary>Runs are logged by a server, over <c>POST /api/v1/events</c>; while it is away they lie on this machine's disk.</summary>
    /// <param name="belfry">The application's tasks.</param>
    /// <param name="url">The server's address, with the path under which it is mounted: <c>https://belfry.example.com</c>.</param>
    /// <param name="token">A token with the scopes <c>write</c> and <c>read</c>.</param>
    /// <param name="options">Where the spool lies, and its limits.</param>
    /// <remarks>
    /// Where <see cref="BelfryOptions.Source"/> is left as it is, the source becomes <c>APP@MACHINE</c>. A source must be of one process at a time: two of one
    /// application on one machine need names of their own. Calls (<see cref="IBelfryClient"/>) are refused: nothing here would keep them.
    /// </remarks>
    /// <exception cref="RegistrationException">The address is none, or there is no token.</exception>
    public static BelfryBuilder UseServer(this BelfryBuilder belfry, string url, string token, Action<ServerLogOptions>? options = null)
    {
        var chosen = new ServerLogOptions();
        options?.Invoke(chosen);
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
        {
            throw new RegistrationException([$"UseServer: '{url}' is no address; write https://belfry.example.com"]);
        }
        if (string.IsNullOrWhiteSpace(token))
        {
            throw new RegistrationException(["UseServer: there is no token; 'belfry token add NAME --scope write --scope read' makes one"]);
        }
        if (belfry.Options.Source == new BelfryOptions().Source)
        {
            belfry.Options.Source = $"{AppDomain.CurrentDomain.FriendlyName}@{Environment.MachineName}";
        }
        belfry.Services.RemoveAll<IWorkQueue>().AddSingleton<IWorkQueue>(new NoWorkQueue());
        return belfry.UseLog(services => new ServerLog(
            address, token.Trim(), belfry.Options.Source, chosen, services.GetRequiredService<TimeProvider>(),
            (services.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance).CreateLogger("Belfry.Server")));
    }
}
