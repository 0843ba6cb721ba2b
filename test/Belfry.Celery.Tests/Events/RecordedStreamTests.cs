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

    [Fact]
    public void The_newest_attempts_of_a_recorded_stream_have_the_states_that_Celery_gives_them()
    {
        EventBatch stream = DecodeAll();
        ILookup<string, TaskEvent> byId = stream.Events.Where(item => !item.Kind.IsAboutWorker()).ToLookup(item => item.Id);
        var differences = new List<string>();
        foreach ((string id, JsonNode? expected) in Samples.StreamExpected()["tasks"]!.AsObject())
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

    [Fact, Trait("row", "103")]
    public void Rejected_runs_of_a_recorded_stream_are_cancelled()
    {
        IEnumerable<TaskRun> rejected = DecodeAll().Events.Where(item => !item.Kind.IsAboutWorker())
            .GroupBy(item => item.Id).Select(life => Fold.Rows(life)[^1]).Where(run => run.Task == "lab.reject");
        Assert.All(rejected, run => Assert.Equal((RunState.Cancelled, "rejected"), (run.State, run.Reason)));
    }

    [Fact]
    public void A_recorded_stream_is_read_to_the_last_event()
    {
        EventBatch stream = DecodeAll();
        Assert.Equal((int)Samples.StreamExpected()["events"]!, stream.Events.Count);
        Assert.Empty(stream.Refused);
        Assert.DoesNotContain(stream.Events, item => item.ClockOff);
    }

    [Fact]
    public void The_zone_of_a_worker_changes_no_instant()
    {
        // threads1 ran with TZ=America/New_York and gevent1 with Asia/Kolkata: Flower shows them hours off.
        IEnumerable<(TaskEvent Item, Instant Arrived)> all = Samples.Stream().SelectMany(message =>
            Samples.Decode(message.Raw, message.Arrived).Events.Select(item => (item, message.Arrived)));
        Assert.All(all, pair => Assert.InRange((pair.Arrived - pair.Item.At).TotalSeconds, -1, 5));
    }

    static EventBatch DecodeAll()
    {
        var batch = new EventBatch();
        var decoder = new EventDecoder("lab");
        foreach ((byte[] raw, Instant arrived) in Samples.Stream())
        {
            decoder.Decode(raw, arrived, batch);
        }
        return batch;
    }
}
