using System.Net;
using System.Text.Json;

namespace Belfry.Server.Tests.Api;

public sealed class ExportTests
{
    [Fact]
    [Trait("row", "114")]
    public async Task Csv_has_the_columns_of_the_export_and_no_formula()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. SampleEvents.Success("a", 0), .. SampleEvents.Failure("c", 10), .. SampleEvents.Success("=cmd;1", 20)]);
        using HttpResponseMessage answer = await server.GetAsync("/api/v1/runs.csv");
        Assert.Equal("text/csv", answer.Content.Headers.ContentType?.MediaType);
        string[] lines = (await answer.Content.ReadAsStringAsync(ServerHost.Cancel)).Split("\r\n");
        Assert.Equal("id;app_name;exception;parent_id;priority;retries;received;runtime;started;state;task_id;task_name;timestamp", lines[0]);
        Assert.Equal("\"prod/=cmd;1/1\";;;;;0;2026-11-20T10:00:20.000000Z;1.5;2026-11-20T10:00:21.000000Z;Completed;\"'=cmd;1\";shop.orders.import;2026-11-20T10:00:22.500000Z", lines[1]);
        Assert.Equal("prod/c/2;;ValueError;parent;;1;2026-11-20T10:00:12.000000Z;1;2026-11-20T10:00:12.000000Z;Failed;c;shop.orders.import;2026-11-20T10:00:13.000000Z", lines[2]);
        Assert.Equal(["prod/c/1", "prod/a/1", ""], lines[3..].Select(line => line.Split(';')[0]));
    }

    [Fact]
    [Trait("row", "114")]
    public async Task Exports_stream_everything_that_matches_and_take_the_same_filters()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. Enumerable.Range(0, 2500).SelectMany(i => SampleEvents.Success($"r{i}", i)), .. SampleEvents.Failure("c", 9000)]);
        using HttpResponseMessage all = await server.GetAsync("/api/v1/runs.jsonl?state=completed");
        string[] lines = (await all.Content.ReadAsStringAsync(ServerHost.Cancel)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2500, lines.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()).Distinct().Count());
        using HttpResponseMessage csv = await server.GetAsync("/api/v1/runs.csv?state=failed");
        Assert.Equal(2, (await csv.Content.ReadAsStringAsync(ServerHost.Cancel)).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
        using HttpResponseMessage wrong = await server.GetAsync("/api/v1/runs.csv?limit=5");
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
    }

    [Fact]
    public async Task An_empty_export_has_its_head()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        using HttpResponseMessage answer = await server.GetAsync("/api/v1/runs.csv");
        Assert.EndsWith("timestamp\r\n", await answer.Content.ReadAsStringAsync(ServerHost.Cancel));
    }
}
