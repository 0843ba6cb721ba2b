using System.Globalization;
using System.Text.Json;
using System.Threading.Channels;
using Belfry.Celery;
using Belfry.Celery.Events;
using Belfry.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Belfry.Bench;

/// <summary>Belfry's path from the broker to the disk, in a process of its own so that its CPU can be read alone.</summary>
/// <remarks>Prints how many events are committed, a number a line; when stdin ends, what is in the log, as JSON.</remarks>
static class Consumer
{
    // So many groups may wait for their commit before the next is read, as in the server's source.
    const int GroupsAhead = 4;

    public static async Task RunAsync(string broker, string file)
    {
        var cluster = new CeleryCluster { Source = "bench", Broker = BrokerUrl.Parse(broker) };
        await using RunLog log = await RunLog.OpenAsync(
            StoreUrl.Parse($"sqlite://{file}"), new RunLogOptions(), TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
        using var ending = new CancellationTokenSource();
        await using (IEventStream events = EventStreams.Of(cluster, new SubscriptionOptions(), TimeProvider.System, new Random(1), NullLoggerFactory.Instance))
        {
            var groups = Channel.CreateBounded<(Task Commit, EventBatch Batch)>(GroupsAhead);
            Task reading = AppendAsync(events, log, groups.Writer, ending.Token);
            Task telling = TellAsync(events, groups.Reader);
            await Console.In.ReadToEndAsync();
            await ending.CancelAsync();
            await Task.WhenAll(reading, telling);
        }
        Instant now = Instant.Now(TimeProvider.System);
        LogFigures figures = await log.Queries.FiguresAsync(now - TimeSpan.FromDays(1), now + TimeSpan.FromHours(1), [], CancellationToken.None);
        Console.WriteLine(JsonSerializer.Serialize(new Consumed(figures.States.Where(state => state.Key.IsFinal()).Sum(state => state.Value))));
    }

    static async Task AppendAsync(IEventStream events, RunLog log, ChannelWriter<(Task Commit, EventBatch Batch)> groups, CancellationToken cancel)
    {
        try
        {
            await foreach (EventBatch batch in events.ReadAsync(cancel))
            {
                foreach ((string what, long times) in batch.Refused)
                {
                    Console.Error.WriteLine($"refused {times} times: {what}");
                }
                await groups.WriteAsync((log.AppendAsync(batch.Events, CancellationToken.None), batch), cancel);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Asked to end.
        }
        groups.Complete();
    }

    static async Task TellAsync(IEventStream stream, ChannelReader<(Task Commit, EventBatch Batch)> groups)
    {
        long committed = 0;
        await foreach ((Task commit, EventBatch batch) in groups.ReadAllAsync())
        {
            await commit;
            await stream.AcknowledgeAsync(batch);
            Console.WriteLine((committed += batch.Events.Count).ToString(CultureInfo.InvariantCulture));
        }
    }
}

/// <summary>What the consumer found in its log at the end.</summary>
/// <param name="Ended">Runs that have ended.</param>
sealed record Consumed(long Ended);
