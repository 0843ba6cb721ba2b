using Belfry;
using Microsoft.Extensions.Hosting;

namespace Worker;

/// <summary>A price.</summary>
sealed record Price(string Article, decimal Amount);

/// <summary>Somebody else's service, which is down each third time.</summary>
sealed class Supplier
{
    int _calls;

    public async Task<List<Price>> FetchAsync()
    {
        await Task.Delay(20);
        return ++_calls % 3 == 2 ? throw new HttpRequestException("the supplier does not answer") : [new("tin", 2.5m), new("can", 0.8m), new("lid", 0.2m)];
    }
}

/// <summary>The prices of the past.</summary>
sealed class Archive(IHostEnvironment environment)
{
    readonly string _file = Path.Combine(environment.ContentRootPath, "prices.csv");

    public async Task<int> StoreAsync(List<Price> prices, TaskRunContext run, CancellationToken cancel)
    {
        run.SetContext("price list", id: $"{prices.Count}");
        for (int i = 0; i < prices.Count; i++)
        {
            await File.AppendAllTextAsync(_file, $"{prices[i].Article};{prices[i].Amount}\n", cancel);
            run.Report(100.0 * (i + 1) / prices.Count, prices[i].Article);
        }
        return prices.Count;
    }

    /// <summary>Leaves one line of each article.</summary>
    public int Squeeze()
    {
        if (!File.Exists(_file))
        {
            throw new TaskSkippedException("no prices yet");
        }
        return File.ReadLines(_file).Distinct().Count();
    }

    public void Close() => File.AppendAllText(_file, "closed\n");
}

/// <summary>Orders that customers send.</summary>
static class Orders
{
    public static async Task ListenAsync(TaskRunContext run, CancellationToken cancel)
    {
        for (int heard = 0; ; heard++)
        {
            run.Report(null, $"{heard} orders");
            await Task.Delay(TimeSpan.FromSeconds(1), cancel);
        }
    }
}

/// <summary>What the boss reads in the morning.</summary>
sealed class Reports(Archive archive)
{
    [BelfryTask("nightly_report", Schedule = "daily between 02:00 and 04:00 | retry 2 after 10 minutes", Description = "How many articles have a price")]
    public string Write() => $"{archive.Squeeze()} articles";
}
