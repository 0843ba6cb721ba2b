using System.Globalization;

namespace Belfry.Bench;

/// <summary>One made-up run, and its events as Celery writes them.</summary>
sealed class SyntheticRun
{
    const int Tasks = 200;
    const int PayloadBytes = 186;

    readonly string _task, _args, _kwargs, _result, _family;

    public SyntheticRun(Random random, int number, IReadOnlyList<string> others)
    {
        Number = number;
        Id = NewId(random);
        Fails = random.Next(100) < 2;
        Runtime = random.Next(100) == 0 ? random.NextDouble() * 5 : 0.001 + (random.NextDouble() * 0.2);
        _task = $"shop.tasks.job_{random.Next(Tasks):000}";
        bool isCalled = others.Count > 0 && random.Next(100) < 20;
        string parent = isCalled ? others[^(1 + random.Next(Math.Min(others.Count, 1000)))] : "";
        _family = isCalled ? $"\"root_id\": \"{parent}\", \"parent_id\": \"{parent}\"" : $"\"root_id\": \"{Id}\", \"parent_id\": null";
        _args = $"('customer-{random.Next(1_000_000):000000}', {random.Next(100_000)})";
        _kwargs = $"{{'region': 'eu-west-{random.Next(4)}', 'order': '{random.NextInt64():x16}', 'dry_run': False}}";
        string result = $"{{'rows': {random.Next(10_000)}, 'seconds': {Text(Runtime)}, 'etag': '{random.NextInt64():x16}'";
        _result = result + ", 'note': '" + new string('.', Math.Max(0, PayloadBytes - _args.Length - _kwargs.Length - result.Length - 13)) + "'}";
    }

    public int Number { get; }

    public string Id { get; }

    public bool Fails { get; }

    public double Runtime { get; }

    public static string NewId(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }

    public string Sent(double at, int clock) =>
        $$"""
        {"hostname": "gen30644@vm", "utcoffset": 0, "pid": 30644, "clock": {{clock}}, "uuid": "{{Id}}", {{_family}}, "name": "{{_task}}", "args": "{{_args}}", "kwargs": "{{_kwargs}}", "retries": 0, "eta": null, "expires": null, "queue": "celery", "exchange": "", "routing_key": "celery", "timestamp": {{Text(at)}}, "type": "task-sent"}
        """;

    public string ByWorker(EventKind kind, double at, WorkerBuffer worker, int clock)
    {
        string own = kind switch
        {
            EventKind.Received => $$"""
                "name": "{{_task}}", "args": "{{_args}}", "kwargs": "{{_kwargs}}", {{_family}}, "retries": 0, "eta": null, "expires": null
                """,
            EventKind.Succeeded => $$"""
                "result": "{{_result}}", "runtime": {{Text(Runtime)}}
                """,
            EventKind.Failed => $$"""
                "exception": "ValueError('order {{Number}} is closed')", "traceback": "{{Trace}}ValueError: order {{Number}} is closed\n"
                """,
            _ => "",
        };
        string fields = own.Length > 0 ? $"{own}, " : "";
        return $$"""
            {"hostname": "{{worker.Name}}", "utcoffset": 0, "pid": {{worker.Pid}}, "clock": {{clock}}, "uuid": "{{Id}}", {{fields}}"timestamp": {{Text(at)}}, "type": "{{Name(kind)}}"}
            """;
    }

    /// <summary>Its record in the result backend, as <c>result_extended</c> has it.</summary>
    public string Record(Instant at, WorkerBuffer worker)
    {
        string exception = $$"""
            {"exc_type": "ValueError", "exc_message": ["order {{Number}} is closed"], "exc_module": "builtins"}
            """;
        string outcome = Fails
            ? $"\"status\": \"FAILURE\", \"result\": {exception}, \"traceback\": \"{Trace}\""
            : $"\"status\": \"SUCCESS\", \"result\": {{\"seconds\": {Text(Runtime)}}}, \"traceback\": null";
        return $$"""
            {{{outcome}}, "children": [], "date_done": "{{at.ToString()[..^1]}}", "name": "{{_task}}", "args": [], "kwargs": {}, "worker": "{{worker.Name}}", "retries": 0, "queue": "celery", "task_id": "{{Id}}"}
            """;
    }

    const string Trace =
        """Traceback (most recent call last):\n  File \"/usr/lib/python3/dist-packages/celery/app/trace.py\", line 451, in trace_task\n    R = retval = fun(*args, **kwargs)\n                 ^^^^^^^^^^^^^^^^^^^^\n  File \"/srv/shop/tasks.py\", line 64, in job\n    raise ValueError(f'order {order} is closed')\n""";

    static string Name(EventKind kind) => kind switch
    {
        EventKind.Received => "task-received",
        EventKind.Started => "task-started",
        EventKind.Failed => "task-failed",
        _ => "task-succeeded",
    };

    static string Text(double number) => number.ToString("0.0######", CultureInfo.InvariantCulture);
}
