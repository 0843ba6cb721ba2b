using System.Globalization;
using System.Text.Json;

namespace Belfry.Server.Sources.Demo;

/// <summary>The tasks of a shop that does not exist: quick, slow, failing, retried, hanging, and with nothing to do.</summary>
static class SampleTasks
{
    static readonly string[] Feeds =
    [
        """[{"sku": "NG-1041", "price": "18.90"}, {"sku": "NG-1042", "price": "7.25"}]""",
        """[{"sku": "NG-1041", "price": "18.90"}, {"sku": "NG-1042", "price": "n/a"}]""",
        """[{"sku": "NG-1041", "price": "19.10"}]""",
        """[{"sku": "NG-1041", "price": "19.10"}, {"sku": """,
    ];

    static readonly SampleTask Confirmation = new("shop.mail.send_confirmation", "mail", TimeSpan.Zero, null, ConfirmAsync);

    public static IReadOnlyList<SampleTask> All { get; } =
    [
        new("shop.orders.import", "imports", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3), ImportOrdersAsync),
        new("shop.search.reindex", "slow", TimeSpan.FromSeconds(2), null, ReindexAsync),
        new("shop.stock.sync", "default", TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(15), SyncStockAsync, Attempts: 3),
        new("shop.invoices.render", "slow", TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(20), RenderInvoicesAsync),
        new("shop.newsletter.send", "mail", TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(25), SendNewsletterAsync),
        new(FailingTask, "imports", TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(30), FetchPricesAsync),
    ];

    /// <summary>The task whose every second run fails.</summary>
    public const string FailingTask = "shop.feeds.fetch_prices";

    static async Task<string> ImportOrdersAsync(SampleRun run, CancellationToken cancel)
    {
        await run.WorkAsync(30, 250, cancel);
        int orders = run.Random.Next(1, 40);
        if (run.Number % 5 == 0)
        {
            run.Call(Confirmation);
        }
        return JsonSerializer.Serialize(new { imported = orders, skipped = 0 });
    }

    static async Task<string> ConfirmAsync(SampleRun run, CancellationToken cancel)
    {
        await run.WorkAsync(100, 400, cancel);
        return """{"sent": 1}""";
    }

    /// <summary>Gets stuck: it runs for as long as it is let.</summary>
    static async Task<string> ReindexAsync(SampleRun run, CancellationToken cancel)
    {
        for (int percent = 0; percent <= 62; percent += 31)
        {
            await run.Report(percent, $"shard {(percent / 31) + 1} of 4");
            await run.WorkAsync(2000, 3000, cancel);
        }
        await Task.Delay(Timeout.InfiniteTimeSpan, run.Clock, cancel);
        return "{}";
    }

    /// <summary>The warehouse is busy now and then: mostly the second attempt succeeds, at times none does.</summary>
    static async Task<string> SyncStockAsync(SampleRun run, CancellationToken cancel)
    {
        await run.WorkAsync(200, 600, cancel);
        if (run.Number % 4 == 0 || (run.Number % 2 == 1 && run.Attempt == 1))
        {
            throw new TimeoutException("The warehouse did not answer within 500 ms");
        }
        return JsonSerializer.Serialize(new { articles = run.Random.Next(200, 900) });
    }

    static async Task<string> RenderInvoicesAsync(SampleRun run, CancellationToken cancel)
    {
        const int pages = 5;
        for (int page = 1; page <= pages; page++)
        {
            await run.Report(100.0 * (page - 1) / pages, $"page {page} of {pages}");
            await run.WorkAsync(900, 2200, cancel);
        }
        return JsonSerializer.Serialize(new { file = $"invoices-{run.Number:0000}.pdf", pages });
    }

    static async Task<string> SendNewsletterAsync(SampleRun run, CancellationToken cancel)
    {
        await run.WorkAsync(20, 80, cancel);
        return run.Number % 3 == 2 ? """{"sent": 128}""" : throw new NothingToDoException("no issue is due");
    }

    /// <summary>The feed of a supplier who does not test: every second one is broken.</summary>
    static async Task<string> FetchPricesAsync(SampleRun run, CancellationToken cancel)
    {
        await run.WorkAsync(300, 900, cancel);
        using JsonDocument feed = JsonDocument.Parse(Feeds[(run.Number) % Feeds.Length]);
        decimal[] prices = [.. feed.RootElement.EnumerateArray().Select(ReadPrice)];
        return JsonSerializer.Serialize(new { prices = prices.Length, highest = prices.Max() });
    }

    static decimal ReadPrice(JsonElement article)
    {
        string text = article.GetProperty("price").GetString()!;
        try
        {
            return decimal.Parse(text, CultureInfo.InvariantCulture);
        }
        catch (FormatException e)
        {
            throw new InvalidDataException($"article {article.GetProperty("sku")} has the price '{text}'", e);
        }
    }
}
