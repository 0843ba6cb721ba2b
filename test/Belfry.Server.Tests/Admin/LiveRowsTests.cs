using System.Net.ServerSentEvents;
using System.Text.Json;

namespace Belfry.Server.Tests.Admin;

public sealed class LiveRowsTests
{
    [Fact]
    public async Task A_reader_first_gets_the_page_as_it_is_then_each_change_that_matches_and_what_left()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync(SampleRuns.Life("before", "gap.mail", 60, null));
        await using IAsyncEnumerator<SseItem<string>> live = Messages(host, "/log/live?state=Running", null).GetAsyncEnumerator(AdminHost.Cancel);
        (string[] keys, _, _) = await RowsAsync(live);
        Assert.Equal(["prod-celery before 1"], keys);

        await host.AppendAsync([.. SampleRuns.Life("next", "gap.<b>", 5, null), .. SampleRuns.Life("done", "gap.other", 5, EventKind.Succeeded)]);
        (keys, _, string html) = await RowsAsync(live);
        Assert.Equal(["prod-celery next 1"], keys);
        Assert.Contains("gap.</span><b>&lt;b&gt;</b>", html, StringComparison.Ordinal);

        await host.AppendAsync([new TaskEvent { Source = "prod-celery", Id = "next", Kind = EventKind.Succeeded, At = Instant.Now(TimeProvider.System), Worker = "celery@default-1" }]);
        (keys, string[] gone, _) = await RowsAsync(live);
        Assert.Empty(keys);
        Assert.Equal(["prod-celery next 1"], gone);
    }

    [Fact]
    public async Task A_reader_that_comes_back_goes_on_where_it_was()
    {
        await using AdminHost host = await AdminHost.StartAsync();
        await host.AppendAsync(SampleRuns.Life("first", "gap.mail", 60, null));
        string id;
        await using (IAsyncEnumerator<SseItem<string>> live = Messages(host, "/log/live", null).GetAsyncEnumerator(AdminHost.Cancel))
        {
            await RowsAsync(live);
            await host.AppendAsync(SampleRuns.Life("second", "gap.mail", 50, null));
            await RowsAsync(live);
            id = live.Current.EventId!;
        }
        await host.AppendAsync(SampleRuns.Life("third", "gap.mail", 40, null));
        await using IAsyncEnumerator<SseItem<string>> again = Messages(host, "/log/live", id).GetAsyncEnumerator(AdminHost.Cancel);
        Assert.Equal(["prod-celery third 1"], (await RowsAsync(again)).Keys);
    }

    static async Task<(string[] Keys, string[] Gone, string Html)> RowsAsync(IAsyncEnumerator<SseItem<string>> live)
    {
        while (await live.MoveNextAsync())
        {
            if (live.Current.EventType == "rows")
            {
                JsonElement data = JsonDocument.Parse(live.Current.Data).RootElement;
                JsonElement[] rows = [.. data.GetProperty("rows").EnumerateArray()];
                return ([.. rows.Select(row => row.GetProperty("key").GetString()!)], [.. data.GetProperty("gone").EnumerateArray().Select(key => key.GetString()!)],
                    string.Concat(rows.Select(row => row.GetProperty("html").GetString())));
            }
        }
        throw new InvalidOperationException("the stream ended");
    }

    static async IAsyncEnumerable<SseItem<string>> Messages(AdminHost host, string path, string? lastId)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        if (lastId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastId);
        }
        using HttpResponseMessage answer = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, AdminHost.Cancel);
        await foreach (SseItem<string> item in SseParser.Create(await answer.Content.ReadAsStreamAsync(AdminHost.Cancel)).EnumerateAsync(AdminHost.Cancel))
        {
            yield return item;
        }
    }
}
