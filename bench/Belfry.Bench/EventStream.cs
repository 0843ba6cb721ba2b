using System.Buffers;
using System.Text;

namespace Belfry.Bench;

/// <summary>Commands of Redis that publish events, ready to be sent, and how many events they carry.</summary>
readonly record struct Publication(byte[] Bytes, int Messages, int Events);

/// <summary>A message of events, before its broker has wrapped it.</summary>
readonly record struct StreamMessage(string RoutingKey, string Hostname, string Body, int Events);

/// <summary>The events of a busy cluster, byte for byte as Celery's workers and clients publish them.</summary>
/// <remarks>
/// Four events a run: sent by a client, each alone; received, started and ended by one of four workers, in arrays of 1 to 24 as their
/// buffers happen to be. 200 tasks, 20 % of the runs with parent and root, 2 % fail, 1 % take seconds. Arguments and result of a
/// run are 186 bytes together. Between receipt and start they wait for so many seconds. With records the end of each run leaves one in the result backend,
/// just before it is told. The same seed gives the same stream.
/// </remarks>
sealed class EventStream(int runs, double runsPerSecond, Instant begin, int seed = 20261121, double waiting = 0, bool records = false)
{
    const int BytesOfPublication = 64 * 1024;
    static readonly int[] BufferSizes = [1, 2, 4, 8, 16, 24];

    readonly Random _random = new(seed);
    readonly PriorityQueue<(SyntheticRun Run, EventKind Kind), long> _coming = new();
    readonly WorkerBuffer[] _workers = [.. Enumerable.Range(1, 4).Select(number => new WorkerBuffer($"w{number}@lab", 30_000 + number))];
    readonly ArrayBufferWriter<byte> _bytes = new(2 * BytesOfPublication);
    readonly List<string> _ids = [];
    int _begun, _messages, _events, _clock;

    /// <summary>Everything, in the order in which it would happen, as commands of Redis.</summary>
    public IEnumerable<Publication> Publications()
    {
        foreach (StreamMessage message in Messages())
        {
            Write(message);
            if (_bytes.WrittenCount >= BytesOfPublication)
            {
                yield return Take();
            }
        }
        yield return Take();
    }

    /// <summary>The messages, in that order.</summary>
    public IEnumerable<StreamMessage> Messages()
    {
        while (Next() is { } next)
        {
            if (Publish(next.Run, next.Kind, next.At) is { } message)
            {
                yield return message;
            }
        }
        foreach (StreamMessage? last in _workers.Select(Flush))
        {
            if (last is { } message)
            {
                yield return message;
            }
        }
    }

    (SyntheticRun Run, EventKind Kind, Instant At)? Next()
    {
        // A run begins when its turn comes before everything that is still to come of the others.
        while (_begun < runs && (_coming.Count == 0 || BeginOf(_begun).Micros <= At(_coming)))
        {
            Begin();
        }
        return _coming.TryDequeue(out (SyntheticRun Run, EventKind Kind) next, out long micros) ? (next.Run, next.Kind, new Instant(micros)) : null;
    }

    static long At(PriorityQueue<(SyntheticRun Run, EventKind Kind), long> coming) => coming.TryPeek(out _, out long micros) ? micros : long.MaxValue;

    Instant BeginOf(int run) => begin + TimeSpan.FromSeconds(run / runsPerSecond);

    void Begin()
    {
        long micros = BeginOf(_begun).Micros;
        var run = new SyntheticRun(_random, _begun, _ids);
        _ids.Add(run.Id);
        _begun++;
        _coming.Enqueue((run, EventKind.Submitted), micros);
        _coming.Enqueue((run, EventKind.Received), micros += 300 + _random.Next(2_000));
        _coming.Enqueue((run, EventKind.Started), micros += (long)(waiting * 1e6) + 100 + _random.Next(20_000));
        _coming.Enqueue((run, run.Fails ? EventKind.Failed : EventKind.Succeeded), micros + (long)(run.Runtime * 1e6));
    }

    StreamMessage? Publish(SyntheticRun run, EventKind kind, Instant at)
    {
        double seconds = at.Micros / 1e6;
        if (kind == EventKind.Submitted)
        {
            return new StreamMessage("task.sent", "gen30644@vm", run.Sent(seconds, ++_clock), 1);
        }
        WorkerBuffer worker = _workers[run.Number % _workers.Length];
        if (records && kind.IsOutcome())
        {
            Write(run, run.Record(at, worker));
        }
        worker.Events.Add(run.ByWorker(kind, seconds, worker, ++_clock));
        return worker.Events.Count >= worker.Size ? Flush(worker) : null;
    }

    StreamMessage? Flush(WorkerBuffer worker)
    {
        StreamMessage? message = worker.Events.Count == 0 ? null : new StreamMessage("task.multi", worker.Name, $"[{string.Join(", ", worker.Events)}]", worker.Events.Count);
        worker.Events.Clear();
        worker.Size = BufferSizes[_random.Next(BufferSizes.Length)];
        return message;
    }

    void Write(StreamMessage sent)
    {
        string encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(sent.Body));
        string message = $$$"""
            {"body": "{{{encoded}}}", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"hostname": "{{{sent.Hostname}}}"}, "properties": {"delivery_mode": 1, "delivery_info": {"exchange": "celeryev", "routing_key": "{{{sent.RoutingKey}}}"}, "priority": 0, "body_encoding": "base64", "delivery_tag": "{{{SyntheticRun.NewId(_random)}}}"}}
            """;
        string channel = $"/0.celeryev/{sent.RoutingKey}";
        _bytes.Write(Encoding.UTF8.GetBytes($"*3\r\n$7\r\nPUBLISH\r\n${channel.Length}\r\n{channel}\r\n${message.Length}\r\n{message}\r\n"));
        _messages++;
        _events += sent.Events;
    }

    void Write(SyntheticRun run, string record)
    {
        string key = $"celery-task-meta-{run.Id}";
        _bytes.Write(Encoding.UTF8.GetBytes($"*4\r\n$5\r\nSETEX\r\n${key.Length}\r\n{key}\r\n$5\r\n86400\r\n${Encoding.UTF8.GetByteCount(record)}\r\n{record}\r\n"));
        _messages++;
    }

    Publication Take()
    {
        var taken = new Publication(_bytes.WrittenSpan.ToArray(), _messages, _events);
        _bytes.ResetWrittenCount();
        (_messages, _events) = (0, 0);
        return taken;
    }
}

/// <summary>A worker and the events that it will send together.</summary>
sealed class WorkerBuffer(string name, int pid)
{
    public string Name { get; } = name;

    public int Pid { get; } = pid;

    public List<string> Events { get; } = [];

    public int Size { get; set; } = 1;
}
