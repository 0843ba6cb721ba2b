using System.Text;
using System.Text.Json.Nodes;
using Belfry.Testing;

namespace Belfry.EndToEnd.Tests;

/// <summary>A broker of one's own, without workers: what comes over it is made here.</summary>
public sealed class BrokerUnderWatch : IAsyncLifetime
{
    internal RedisServer Redis { get; private set; } = null!;

    internal Watched Belfry { get; private set; } = null!;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Redis = await RedisServer.StartAsync();
        Belfry = await Watched.StartAsync(Redis.Url);
        await Belfry.ListensAsync(Redis);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Belfry.DisposeAsync();
        await Redis.DisposeAsync();
    }
}

/// <summary>What no worker should send. None of it stops the server; all of it is counted or shown.</summary>
public sealed class BadInputTests(BrokerUnderWatch watch) : IClassFixture<BrokerUnderWatch>
{
    /// <summary>Messages, each with the words under which the doctor counts it.</summary>
    static readonly (byte[] Message, string Counted)[] Garbage =
    [
        ([0xff, 0x00, 0xfe, 0x13, 0x37], "message that is not JSON"),
        ([], "message that is not JSON"),
        ("{\"body\": \"e30"u8.ToArray(), "message that is not JSON"),
        ("42"u8.ToArray(), "message that is no envelope"),
        ("{\"body\": \"***\", \"properties\": {\"body_encoding\": \"base64\"}, \"content-type\": \"application/json\"}"u8.ToArray(), "body that is not base64"),
        (WireEvent.Envelope([0x80, 0x04, 0x95]), "body that is not JSON"),
        (WireEvent.Envelope(Encoding.UTF8.GetBytes(new string('[', 100_000))), "body that is not JSON"),
        (WireEvent.Envelope("[42]"u8.ToArray()), "item of a list that is no event"),
        (WireEvent.Envelope("[{\"uuid\": \"x\"}]"u8.ToArray()), "event without a type"),
        (WireEvent.Envelope("[{\"type\": \"task-started\"}]"u8.ToArray()), "task event without an id"),
        ("{\"body\": \"gASV\", \"content-type\": \"application/x-python-serialize\", \"properties\": {\"body_encoding\": \"base64\"}}"u8.ToArray(), "application/x-python-serialize"),
    ];

    [Fact]
    public async Task Garbage_on_the_channel_is_counted_by_its_kind_and_what_follows_is_logged()
    {
        foreach ((byte[] message, _) in Garbage)
        {
            await watch.Redis.PublishAsync(WireEvent.Channel, message);
            await watch.Belfry.Log.UntilAsync(await WireEvent.PublishSuccessAsync(watch.Redis), "Completed");
        }

        string doctor = "";
        await Eventually.HoldsAsync("the doctor names all of it", async () =>
        {
            doctor = await watch.Belfry.DoctorAsync();
            return Garbage.All(one => doctor.Contains(one.Counted, StringComparison.Ordinal));
        });
        foreach (IGrouping<string, string> kind in Garbage.Select(one => one.Counted).GroupBy(counted => counted))
        {
            string times = kind.Count() == 1 ? "once" : $"{kind.Count()} times";
            Assert.Contains($"{kind.Key}: {times}", doctor, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_argument_of_ten_megabytes_is_cut_and_the_cut_is_counted()
    {
        string id = Guid.NewGuid().ToString();
        JsonObject received = WireEvent.Succeeded(id);
        received["type"] = "task-received";
        received["args"] = $"('{new string('x', 10_000_000)}',)";
        await watch.Redis.PublishAsync(WireEvent.Channel, WireEvent.Message(received));

        LoggedRun run = Assert.Single(await watch.Belfry.Log.UntilAsync(id, "Queued"));

        Assert.StartsWith("('xxx", run.Text("args"), StringComparison.Ordinal);
        Assert.InRange(run.Text("args")!.Length, 1_000, 1_000_000);
        await Eventually.HoldsAsync("doctor tells of the cut", async () => (await watch.Belfry.DoctorAsync()).Contains("cut", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_replaced_and_the_run_is_logged()
    {
        string id = Guid.NewGuid().ToString();
        JsonObject succeeded = WireEvent.Succeeded(id);
        succeeded["result"] = "a broken letter";
        byte[] body = Encoding.UTF8.GetBytes($"[{succeeded.ToJsonString()}]");
        body[body.AsSpan().IndexOf("letter"u8)] = 0xff;
        await watch.Redis.PublishAsync(WireEvent.Channel, WireEvent.Envelope(body));

        LoggedRun run = Assert.Single(await watch.Belfry.Log.UntilAsync(id, "Completed"));

        Assert.Equal("a broken \uFFFDetter", run.Text("result"));
    }

    [Theory]
    [InlineData("-1.5")]
    [InlineData("2147483648.5")]
    [InlineData("4102444800.0")]
    [InlineData("1e300")]
    [InlineData("-1e300")]
    public async Task An_instant_that_cannot_be_is_shown_as_that_of_its_arrival(string timestamp)
    {
        string id = Guid.NewGuid().ToString();
        DateTimeOffset before = TimeProvider.System.GetUtcNow();
        await watch.Redis.PublishAsync(WireEvent.Channel, WireEvent.WithTimestamp(WireEvent.Succeeded(id), timestamp));

        LoggedRun run = Assert.Single(await watch.Belfry.Log.UntilAsync(id, "Completed"));

        Assert.InRange(run.Finished!.Value, before - TimeSpan.FromSeconds(1), before + TimeSpan.FromMinutes(1));
        Assert.Equal("true", run.Text("clock"), ignoreCase: true);
    }
}
