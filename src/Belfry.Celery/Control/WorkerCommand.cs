namespace Belfry.Celery.Control;

/// <summary>A command that workers know: under which name we offer it, and what it takes.</summary>
/// <param name="Name">Our name.</param>
/// <param name="Method">Celery's.</param>
/// <param name="Description">What it does or tells, in a few words.</param>
/// <param name="Fields">What it takes.</param>
public sealed record WorkerCommand(string Name, string Method, string Description, params IReadOnlyList<CommandField> Fields)
{
    /// <summary>Whoever hears it ends, and does not answer.</summary>
    public bool IsLast { get; init; }

    /// <summary>What workers tell.</summary>
    public static IReadOnlyList<WorkerCommand> Inspections { get; } =
    [
        new("ping", "ping", "Which workers answer"),
        new("active", "active", "Runs at work"),
        new("reserved", "reserved", "Runs that workers hold and have not begun"),
        new("scheduled", "scheduled", "Runs that workers hold until their time comes"),
        new("revoked", "revoked", "Ids that workers would not start"),
        new("registered", "registered", "Tasks that workers know, and attributes of them", CommandField.Attributes, CommandField.Builtins),
        new("stats", "stats", "Pool, uptime, memory and what was done since the start"),
        new("queues", "active_queues", "Queues that workers take from"),
        new("conf", "conf", "Settings of the workers", CommandField.Defaults),
        new("report", "report", "Versions, platform and settings, as bug reports want them"),
        new("query", "query_task", "Which worker has these runs, and whether they run", CommandField.Ids),
        new("clock", "clock", "Logical clocks"),
        new("memsample", "memsample", "Memory in use, where psutil is installed"),
        new("facts", "stats", "What components of the workers tell of their health"),
    ];

    /// <summary>What workers do.</summary>
    public static IReadOnlyList<WorkerCommand> Controls { get; } =
    [
        new("revoke", "revoke", "Do not start these runs; with terminate, end them where they run", CommandField.Id, CommandField.Terminate, CommandField.Signal),
        new("terminate", "terminate", "End these runs where they run", CommandField.Id, CommandField.Signal),
        new("rate-limit", "rate_limit", "How often a task may start: 10/s, 30/m, 2/h; 0 for any time", CommandField.Task, CommandField.Rate),
        new("time-limit", "time_limit", "How long runs of a task may take, from now on", CommandField.Task, CommandField.Hard, CommandField.Soft),
        new("pool-grow", "pool_grow", "More processes", CommandField.Number),
        new("pool-shrink", "pool_shrink", "Fewer processes", CommandField.Number),
        new("pool-restart", "pool_restart", "New processes (the application must set worker_pool_restarts)", CommandField.Modules, CommandField.Reload),
        new("autoscale", "autoscale", "Between how many processes to scale (the worker must have been started with --autoscale)", CommandField.Max, CommandField.Min),
        new("add-consumer", "add_consumer", "Take from this queue, too", CommandField.Queue, CommandField.Exchange, CommandField.ExchangeType, CommandField.RoutingKey),
        new("cancel-consumer", "cancel_consumer", "Take no more from this queue", CommandField.Queue),
        new("enable-events", "enable_events", "Send events of tasks"),
        new("disable-events", "disable_events", "Send no events of tasks"),
        new("shutdown", "shutdown", "Stop when what runs has ended") { IsLast = true },
    ];

    /// <summary>The command of a name among those; null when there is none. Celery's own names will do.</summary>
    public static WorkerCommand? Find(IReadOnlyList<WorkerCommand> among, string name) =>
        among.FirstOrDefault(command => command.Name == name) ?? among.FirstOrDefault(command => command.Method == name);
}

/// <summary>Something that a command takes.</summary>
/// <param name="Name">Our name.</param>
/// <param name="Argument">Celery's.</param>
/// <param name="Kind">What values it has.</param>
/// <param name="Description">What it means.</param>
public sealed record CommandField(string Name, string Argument, FieldKind Kind, string Description)
{
    /// <summary>It must be given.</summary>
    public bool Required { get; init; }

    /// <summary>The smallest number, of numbers.</summary>
    public int Least { get; init; }

    internal static readonly CommandField
        Attributes = new("attributes", "taskinfoitems", FieldKind.Texts, "Attributes of tasks to tell: rate_limit, max_retries, acks_late …"),
        Builtins = new("builtins", "builtins", FieldKind.Flag, "Tasks of Celery itself, too"),
        Defaults = new("defaults", "with_defaults", FieldKind.Flag, "Settings that were not changed, too"),
        Ids = new("id", "ids", FieldKind.Texts, "Ids of runs") { Required = true },
        Id = new("id", "task_id", FieldKind.Texts, "Ids of runs") { Required = true },
        Terminate = new("terminate", "terminate", FieldKind.Flag, "End what runs as well (prefork pools)"),
        Signal = new("signal", "signal", FieldKind.Signal, "With which signal: TERM (as when nothing is said), KILL, INT …"),
        Task = new("task", "task_name", FieldKind.Text, "Name of the task") { Required = true },
        Rate = new("rate", "rate_limit", FieldKind.Rate, "How often: 10/s, 30/m, 2/h; 0 for any time") { Required = true },
        Hard = new("hard", "hard", FieldKind.Seconds, "Seconds after which a run is killed; 0 for none") { Required = true },
        Soft = new("soft", "soft", FieldKind.Seconds, "Seconds after which it gets an exception; 0 for none"),
        Number = new("n", "n", FieldKind.Whole, "How many (one when nothing is said)") { Least = 1 },
        Modules = new("modules", "modules", FieldKind.Texts, "Modules to import"),
        Reload = new("reload", "reload", FieldKind.Flag, "Load these modules anew"),
        Max = new("max", "max", FieldKind.Whole, "Most processes") { Required = true, Least = 1 },
        Min = new("min", "min", FieldKind.Whole, "Fewest processes") { Required = true },
        Queue = new("queue", "queue", FieldKind.Text, "Name of the queue") { Required = true },
        Exchange = new("exchange", "exchange", FieldKind.Text, "Its exchange; one of the queue's name when nothing is said"),
        ExchangeType = new("exchange-type", "exchange_type", FieldKind.Text, "Kind of that exchange: direct, topic, fanout"),
        RoutingKey = new("routing-key", "routing_key", FieldKind.Text, "Routing key; the queue's name when nothing is said");
}

/// <summary>What values something has.</summary>
public enum FieldKind
{
    /// <summary>A word.</summary>
    Text,

    /// <summary>One word or several.</summary>
    Texts,

    /// <summary>A whole number.</summary>
    Whole,

    /// <summary>A number of seconds.</summary>
    Seconds,

    /// <summary>Celery's rate limit.</summary>
    Rate,

    /// <summary>Name of a signal.</summary>
    Signal,

    /// <summary>Yes or no.</summary>
    Flag,
}
