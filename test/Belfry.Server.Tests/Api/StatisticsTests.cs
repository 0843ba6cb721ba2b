using System.Net;
using System.Text.Json;

namespace Belfry.Server.Tests.Api;

public sealed class StatisticsTests
{
    const string Span = "from=2026-11-20T10:00:00Z&to=2026-11-20T10:59:59Z";

    [Fact]
    [Trait("row", "110")]
    public async Task Runs_ends_and_runtimes_are_told_task_by_task_and_what_is_not_known_is_left_out()
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([
            .. SampleEvents.Success("s1", 0), .. SampleEvents.Success("s2", 60), .. SampleEvents.Failure("f1", 120),
            .. SampleEvents.Failure("f2", 180).Where(happened => happened.Kind == EventKind.Submitted).Select(happened => happened with { Task = "waiting" }),
        ]);
        JsonElement told = await server.JsonAsync($"/api/v1/statistics?{Span}");
        JsonElement import = told.GetProperty("items")[0];
        Assert.Equal("shop.orders.import", import.GetProperty("task").GetString());
        Assert.Equal((4, 2, 1, 1), (Number(import, "runs"), Number(import, "completed"), Number(import, "failed"), Number(import, "retried")));
        JsonElement runtime = import.GetProperty("runtime");
        Assert.Equal((1.0, 1.5, 4.0), (runtime.GetProperty("min").GetDouble(), runtime.GetProperty("max").GetDouble(), runtime.GetProperty("total").GetDouble()));
        Assert.InRange(runtime.GetProperty("p50").GetDouble(), 1.47, 1.5);
        Assert.Equal(1.0, import.GetProperty("wait").GetProperty("max").GetDouble(), 3);
        JsonElement waiting = told.GetProperty("items")[1];
        Assert.Equal(("waiting", 0, 1), (waiting.GetProperty("task").GetString(), Number(waiting, "runs"), Number(waiting, "submitted")));
        Assert.False(waiting.TryGetProperty("runtime", out _));
        Assert.Equal(4, Number(told.GetProperty("total"), "runs"));
    }

    [Theory]
    [InlineData("by=exception", "exception", "TimeoutError,ValueError")]
    [InlineData("by=exception&task=shop.*", "exception", "TimeoutError,ValueError")]
    [InlineData("by=queue", "queue", "imports")]
    [InlineData("by=worker", "worker", "w1")]
    [InlineData("by=source", "source", "prod")]
    [InlineData("task=nothing", "task", "")]
    public async Task Other_subjects_are_told_apart_as_well(string query, string by, string expected)
    {
        await using ServerHost server = await ServerHost.StartAsync();
        await server.AppendAsync([.. SampleEvents.Success("s1", 0), .. SampleEvents.Failure("f1", 120)]);
        JsonElement told = await server.JsonAsync($"/api/v1/statistics?{Span}&bar=300&{query}");
        Assert.Equal(expected, string.Join(',', told.GetProperty("items").EnumerateArray().Select(item => item.GetProperty(by).GetString()).Order()));
        Assert.Equal(300, Number(told, "bar_seconds"));
        Assert.Equal(Number(told.GetProperty("total"), "runs"), told.GetProperty("total").GetProperty("bars").EnumerateArray().Sum(bar => Number(bar, "runs")));
    }

    [Theory]
    [InlineData("by=colour", "by")]
    [InlineData("bar=5", "bar")]
    [InlineData("bar=wide", "bar")]
    [InlineData("bar=60&from=2020-01-01T00:00:00Z", "bar")]
    [InlineData("from=2026-11-20T10:00:00Z&to=2026-11-19T10:00:00Z", "to")]
    [InlineData("by=worker&task=t", "task")]
    [InlineData("since=today", "since")]
    public async Task A_wrong_parameter_is_named(string query, string field)
    {
        await using ServerHost server = await ServerHost.StartAsync();
        Assert.Equal(field, (await server.JsonAsync($"/api/v1/statistics?{query}", HttpStatusCode.BadRequest)).GetProperty("field").GetString());
    }

    static long Number(JsonElement from, string name) => from.GetProperty(name).GetInt64();
}
