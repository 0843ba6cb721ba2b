using System.Text.Json;
using Belfry.Testing;

namespace Belfry.Bench;

/// <summary>The peer: Celery's own receiver and State, in a process of its own.</summary>
sealed class StatePeer : IAsyncDisposable
{
    static readonly JsonSerializerOptions Lower = new(JsonSerializerDefaults.Web);

    StatePeer(ChildProcess process) => Process = process;

    public ChildProcess Process { get; }

    /// <summary>Starts it on a broker; it ends by itself when it has so many events, or hears nothing for 20 s.</summary>
    public static StatePeer Start(string broker, int events, params string[] options) =>
        new(ChildProcess.Start(Machine.Python, [Path.Combine(AppContext.BaseDirectory, "peer.py"), broker, $"{events}", .. options]));

    /// <summary>The queue that it reads on RabbitMQ.</summary>
    public async Task<string> QueueAsync()
    {
        using JsonDocument told = JsonDocument.Parse(await Process.LineAsync(line => line.StartsWith('{')));
        return told.RootElement.GetProperty("queue").GetString()!;
    }

    public async Task<PeerResult> EndAsync()
    {
        await Process.ExitAsync(TimeSpan.FromMinutes(10));
        return JsonSerializer.Deserialize<PeerResult>(Process.Output.TrimEnd().Split('\n')[^1], Lower) ?? throw new InvalidOperationException(Process.Story());
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}

/// <summary>What the peer tells.</summary>
sealed record PeerResult(long Events, double Seconds, double Cpu, string Version)
{
    public string Name => $"celery.events.state.State {Version}";
}
