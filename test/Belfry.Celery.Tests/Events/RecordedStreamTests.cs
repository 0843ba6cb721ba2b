using System.Text.Json.Nodes;
using Belfry.Celery.Events;

namespace Belfry.Celery.Tests.Events;

public sealed class RecordedStreamTests
{
    /// <summary>Where Belfry's state differs from Celery's State on purpose.</summary>
    static readonly Dictionary<string, string> Deliberate = new()
    {
        ["lab.reject"] = "Cancelled instead of STARTED: State forgets that a rejected task was rejected",
    };

    [Theory]
    [InlineData("redis")]
    [InlineData("rabbit")]
    public void The_newest_attempts_of_a_recorded_stream_have_the_states_that_Celery_gives_them(string broker)
    {
        EventBatch stream = DecodeAll(broker);
        ILookup<string, TaskEvent> byId = stream.Events.Where(item => !item.Kind.IsAboutWorker()).ToLookup(item => item.Id);
        var differences = new List<string>();
        foreach ((string id, JsonNode? expected) in Samples.StreamExpected(broker)["tasks"]!.AsObject())
        {
            TaskRun newest = Fold.Rows(byId[id])[^1];
            RunState celery = RunStates.Parse((string)expected!["state_by_events"]!);
            if (newest.State != celery && !Deliberate.ContainsKey((string)expected["name"]!))
            {
                differences.Add($"{id} {expected["name"]}: {newest.State}, Celery has {celery}");
            }
        }
        Assert.Empty(differences);
    }

    [Theory, Trait("row", "103")]
    [InlineData("redis")]
    [InlineData("rabbit")]
    public void Rejected_runs_of_a_recorded_stream_are_cancelled(string broker)
    {
        IEnumerable<TaskRun> rejected = DecodeAll(broker).Events.Where(item => !item.Kind.IsAboutWorker())
            .GroupBy(item => item.Id).Select(life => Fold.Rows(life)[^1]).Where(run => run.Task == "lab.reject");
        Assert.All(rejected, run => Assert.Equal((RunState.Cancelled, "rejected"), (run.State, run.Reason)));
    }

    [Theory]
    [InlineData("redis")]
    [InlineData("rabbit")]
    public void A_recorded_stream_is_read_to_the_last_event(string broker)
    {
        EventBatch stream = DecodeAll(broker);
        Assert.Equal((int)Samples.StreamExpected(broker)["events"]!, stream.Events.Count);
        Assert.Empty(stream.Refused);
        Assert.DoesNotContain(stream.Events, item => item.ClockOff);
    }

    [Theory]
    [InlineData("redis")]
    [InlineData("rabbit")]
    public void The_zone_of_a_worker_changes_no_instant(string broker)
    {
        // threads1 ran with TZ=America/New_York and gevent1 with Asia/Kolkata: Flower shows them hours off.
        IEnumerable<(TaskEvent Item, Instant Arrived)> all = Samples.Stream(broker).SelectMany(message =>
        {
            var batch = new EventBatch();
            message.Decode(new EventDecoder("lab"), batch);
            return batch.Events.Select(item => (item, message.Arrived));
        });
        Assert.All(all, pair => Assert.InRange((pair.Arrived - pair.Item.At).TotalSeconds, -1, 5));
    }

    static EventBatch DecodeAll(string broker)
    {
        var batch = new EventBatch();
        var decoder = new EventDecoder("lab");
        foreach ((Action<EventDecoder, EventBatch> decode, _) in Samples.Stream(broker))
        {
            decode(decoder, batch);
        }
        return batch;
    }
}
