using Belfry.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Belfry.Storage.Tests;

public sealed class HealthFactTests
{
    [Fact, Trait("row", "71")]
    public async Task Components_of_an_application_tell_of_their_health_and_none_keeps_another_from_it()
    {
        using var folder = new TempFolder();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Services.AddBelfry(belfry =>
        {
            belfry.UseSqlite(folder.File("log.db"));
            belfry.Options.ProcessName = "feeds-1@box";
            belfry.AddFact("feeds.up", () => true);
            belfry.AddFact("feeds.lag", () => TimeSpan.FromSeconds(1.5));
            belfry.AddFact("feeds.broken", () => throw new InvalidOperationException("no feed"));
            belfry.AddFact("feeds.absent", () => null);
            belfry.AddFact("feeds.topics", (services, cancel) => ValueTask.FromResult<object?>("alerts, notices"));
        });
        using IHost host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        RunQueries queries = host.Services.GetRequiredService<RunLog>().Queries;
        IReadOnlyList<Sample> told = await Eventually.GetAsync(
            "the facts stand in the log", async () => await queries.LatestSamplesAsync(SampleKinds.WorkerFact, TestContext.Current.CancellationToken) is { Count: > 0 } samples ? samples : null);
        Assert.Equal(
            ["broken = InvalidOperationException: no feed", "lag = 1.5", "topics = alerts, notices", "up = 1"],
            told.Select(fact => $"{fact.Subject["feeds-1@box feeds.".Length..]} = {fact.Text ?? $"{fact.Value}"}").Order(StringComparer.Ordinal));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }
}
