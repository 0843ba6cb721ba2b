using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Server.Access;

/// <summary>Tells the link of the first administrator when a server inside somebody's application has started. <c>belfry serve</c> prints it itself.</summary>
sealed partial class SetupNotice(AccessSettings settings, SetupEndpoints setup, LinkGenerator links, ILogger<SetupNotice> logger) : IHostedLifecycleService
{
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        if (settings.TellsSetup && links.GetPathByName(LoginEndpoints.Name) is { } login && await setup.NewLinkAsync(cancellationToken) is { } link)
        {
            LogLink(login[..login.LastIndexOf('/')] + link);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(534, LogLevel.Information, "Nobody may administer Belfry's pages yet. Open {Link} on this server within an hour, it is good once")]
    partial void LogLink(string link);
}
