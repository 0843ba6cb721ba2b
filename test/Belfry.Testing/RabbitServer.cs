using System.Text.Json;

namespace Belfry.Testing;

/// <summary>A rabbitmq-server of the tests' own, on free ports, gone at the end. It takes seconds to start: tests share one, each in a virtual host of its own.</summary>
/// <remarks>Nothing of the system is touched: node name, cookie, epmd, folders and settings are its own, and several can run at once.</remarks>
public sealed class RabbitServer : IAsyncDisposable
{
    /// <summary>A user who may do everything, with a password that a URL must escape.</summary>
    public const string User = "belfry", Password = "p@ss/w:rd";

    /// <summary>A user who may log in, and nothing else.</summary>
    public const string Powerless = "powerless";

    /// <summary>A virtual host with a slash in its name.</summary>
    public const string OddVirtualHost = "team/a";

    // Debian's own start scripts change to the user rabbitmq, who may not enter our folder; these do not.
    const string Program = "/usr/lib/rabbitmq/bin/rabbitmq-server", Teller = "/usr/lib/rabbitmq/bin/rabbitmqctl";
    const int VirtualHosts = 40;

    readonly TempFolder _folder = new();
    readonly int _distribution = Machine.FreePort(), _names = Machine.FreePort();
    ChildProcess? _server, _epmd;
    int _virtualHostsGiven;

    RabbitServer(int port) => Port = port;

    /// <summary>Its port.</summary>
    public int Port { get; }

    /// <summary>The URL of its virtual host <c>/</c>.</summary>
    public string Url => UrlOf("/");

    /// <summary>Its process id.</summary>
    public int ProcessId => _server?.Id ?? throw new InvalidOperationException("rabbitmq-server is stopped");

    /// <summary>CPU time that it has used so far.</summary>
    public TimeSpan Cpu => _server?.FamilyCpu ?? TimeSpan.Zero;

    /// <summary>The URL of a virtual host, as Celery and Belfry read it.</summary>
    public string UrlOf(string virtualHost, string user = User, string password = Password, string host = "127.0.0.1", int? port = null) =>
        $"amqp://{user}:{Uri.EscapeDataString(password)}@{host}:{port ?? Port}/{Uri.EscapeDataString(virtualHost)}";

    /// <summary>The URL of a virtual host that nobody has used.</summary>
    public string NewUrl() => UrlOf(NewVirtualHost());

    /// <summary>A virtual host that nobody has used.</summary>
    public string NewVirtualHost()
    {
        int number = Interlocked.Increment(ref _virtualHostsGiven);
        return number <= VirtualHosts ? $"v{number}" : throw new InvalidOperationException("more virtual hosts are wanted than there are: raise the number in RabbitServer");
    }

    /// <summary>Starts one.</summary>
    /// <param name="settings">Further lines of <c>rabbitmq.conf</c>.</param>
    public static async Task<RabbitServer> StartAsync(params string[] settings)
    {
        if (!File.Exists(Program))
        {
            throw new InvalidOperationException("RabbitMQ is not installed: apt-get install rabbitmq-server");
        }
        var server = new RabbitServer(Machine.FreePort());
        await server.CreateAsync(settings);
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Starts it on the same port, after <see cref="StopAsync"/>: durable queues are there, transient messages are not.</summary>
    public async Task StartAgainAsync()
    {
        _epmd ??= ChildProcess.Start("epmd", ["-port", $"{_names}"], _folder.Path, Environment());
        _server = ChildProcess.Start(Program, [], _folder.Path, Environment());
        await _server.LineAsync(line => line.Contains("Server startup complete", StringComparison.Ordinal), TimeSpan.FromMinutes(2));
    }

    /// <summary>Has <c>rabbitmqctl</c> tell it something.</summary>
    public async Task TellAsync(params string[] arguments)
    {
        Finished told = await ChildProcess.RunAsync(Teller, arguments, _folder.Path, Environment());
        if (told.Code != 0)
        {
            throw new InvalidOperationException($"rabbitmqctl {string.Join(' ', arguments)}: {told.Output}{told.Errors}");
        }
    }

    /// <summary>Kills it.</summary>
    public async Task StopAsync()
    {
        if (_server is { } server)
        {
            _server = null;
            await server.DisposeAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_epmd is not null)
        {
            await _epmd.DisposeAsync();
        }
        _folder.Dispose();
    }

    async Task CreateAsync(string[] settings)
    {
        await File.WriteAllTextAsync(_folder.File("enabled_plugins"), "[].");
        await File.WriteAllTextAsync(_folder.File("definitions.json"), Definitions());
        string[] own =
        [
            $"listeners.tcp.1 = 127.0.0.1:{Port}", "log.console = true", "log.console.level = info", "log.file = false",
            "vm_memory_high_watermark.absolute = 2GB", "disk_free_limit.absolute = 50MB", $"load_definitions = {_folder.File("definitions.json")}",
        ];
        await File.WriteAllLinesAsync(_folder.File("rabbitmq.conf"), [.. own, .. settings]);
    }

    Dictionary<string, string?> Environment() => new()
    {
        ["HOME"] = _folder.Path,
        ["ERL_EPMD_PORT"] = $"{_names}",
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
        ["RABBITMQ_NODENAME"] = $"belfry{Port}@localhost",
        ["RABBITMQ_DIST_PORT"] = $"{_distribution}",
        ["RABBITMQ_MNESIA_BASE"] = _folder.File("mnesia"),
        ["RABBITMQ_LOG_BASE"] = _folder.File("log"),
        ["RABBITMQ_LOGS"] = "-",
        ["RABBITMQ_CONFIG_FILE"] = _folder.File("rabbitmq.conf"),
        ["RABBITMQ_ADVANCED_CONFIG_FILE"] = _folder.File("none.config"),
        ["RABBITMQ_CONF_ENV_FILE"] = _folder.File("none.conf"),
        ["RABBITMQ_ENABLED_PLUGINS_FILE"] = _folder.File("enabled_plugins"),
        ["RABBITMQ_GENERATED_CONFIG_DIR"] = _folder.File("generated"),
        ["RABBITMQ_SCHEMA_DIR"] = _folder.File("schema"),
        ["RABBITMQ_PID_FILE"] = _folder.File("pid"),
        // Its schedulers give the processor back while they wait, as those of a busy machine should.
        ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "+sbwt none +sbwtdcpu none +sbwtdio none",
        // Erlang itself is our child then, and not a shell that would have to pass our signals on.
        ["RUNNING_UNDER_SYSTEMD"] = "true",
    };

    static string Definitions()
    {
        string[] virtualHosts = ["/", OddVirtualHost, .. Enumerable.Range(1, VirtualHosts).Select(number => $"v{number}")];
        return JsonSerializer.Serialize(new
        {
            users = new[]
            {
                new { name = "guest", password = "guest", tags = "administrator" },
                new { name = User, password = Password, tags = "administrator" },
                new { name = Powerless, password = Password, tags = "" },
            },
            vhosts = virtualHosts.Select(name => new { name }),
            permissions = virtualHosts.SelectMany(vhost => new[]
            {
                new { user = "guest", vhost, configure = ".*", write = ".*", read = ".*" },
                new { user = User, vhost, configure = ".*", write = ".*", read = ".*" },
                new { user = Powerless, vhost, configure = "^$", write = "^$", read = "^$" },
            }),
        });
    }
}
