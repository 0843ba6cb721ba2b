using System.Text.Json;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>That the bench runs and speaks; how fast is its own matter, for a quiet machine.</summary>
public sealed class BenchTests
{
    static readonly string Bench = Path.Combine(
        Machine.Root, "bench", "Belfry.Bench", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", "Belfry.Bench");

    [Fact]
    public async Task The_bench_prints_a_line_of_json_for_each_figure()
    {
        Finished bench = await ChildProcess.RunAsync(Bench, ["ingest-redis", "--small", "--json"], limit: TimeSpan.FromMinutes(3));

        Assert.Equal(0, bench.Code);
        Dictionary<string, JsonElement> figures = bench.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement).ToDictionary(line => line.GetProperty("row").GetString()!);
        Assert.Equal(["ingest-redis", "ingest-redis-bytes", "ingest-redis-cpu", "ingest-redis-lost"], figures.Keys.Order(StringComparer.Ordinal));
        Assert.All(figures.Values, figure => Assert.Equal(
            ["row", "value", "unit", "goal", "met", "peer", "peer_value", "ratio"], figure.EnumerateObject().Select(property => property.Name)));
        Assert.Equal(0, figures["ingest-redis-lost"].GetProperty("value").GetDouble());
    }

    [Fact]
    public async Task A_burst_over_RabbitMQ_is_on_disk_to_the_last_event()
    {
        Finished bench = await ChildProcess.RunAsync(Bench, ["rabbit-burst", "--small", "--json"], limit: TimeSpan.FromMinutes(3));
        Assert.Equal(0, bench.Code);
        JsonElement lost = JsonDocument.Parse(bench.Output.Split('\n')[0]).RootElement;
        Assert.Equal(("rabbit-burst", 0), (lost.GetProperty("row").GetString(), lost.GetProperty("value").GetDouble()));
    }

    [Fact]
    public async Task An_unknown_row_is_refused_with_the_known_ones()
    {
        Finished bench = await ChildProcess.RunAsync(Bench, ["ingest-nothing"]);

        Assert.Equal(2, bench.Code);
        Assert.Contains("ingest-redis", bench.Errors, StringComparison.Ordinal);
    }
}
