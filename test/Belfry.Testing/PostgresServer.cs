namespace Belfry.Testing;

/// <summary>A PostgreSQL of the tests' own, on a free port, gone at the end. Debian's package has the programs.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>A password that a URL must escape.</summary>
    public const string Password = "p@ss/w:rd";

    const string Owner = "postgres"; // the server refuses to run as root; Debian's package makes this user
    const int Quit = 3;              // "immediate" shutdown: as if it had crashed
    static readonly string[] Forgetful = ["fsync=off", "max_connections=50", "shared_buffers=128MB", "max_wal_size=256MB", "log_statement=none"];
    readonly TempFolder _folder = new();
    readonly string[] _settings;
    ChildProcess? _process;

    PostgresServer(int port, string[] settings) => (Port, _settings) = (port, settings);

    /// <summary>Its port.</summary>
    public int Port { get; }

    /// <summary>The folder of the programs, of the newest version installed; null where there is none.</summary>
    public static string? Programs { get; } = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Max()
        : null;

    /// <summary>The URL of one of its databases.</summary>
    public string UrlOf(string database) => $"postgresql://belfry:{Uri.EscapeDataString(Password)}@127.0.0.1:{Port}/{database}";

    /// <summary>CPU time that it has used so far, of its finished connections as well.</summary>
    public TimeSpan Cpu => _process?.FamilyCpu ?? TimeSpan.Zero;

    /// <summary>Makes a cluster of databases and starts a server for it, quick rather than durable.</summary>
    public static Task<PostgresServer> StartAsync() => StartAsync(Forgetful);

    /// <summary>The same with these settings, <c>name=value</c>; all others have their defaults.</summary>
    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        if (Programs is null)
        {
            throw new InvalidOperationException("PostgreSQL is not installed: apt-get install postgresql");
        }
        var server = new PostgresServer(Machine.FreePort(), settings);
        await server.CreateAsync();
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Starts it on the same port, after <see cref="CrashAsync"/>; what was committed is there.</summary>
    public async Task StartAgainAsync()
    {
        string[] settings = [.. _settings, "listen_addresses=127.0.0.1", $"unix_socket_directories={_folder.Path}"];
        _process = Run("postgres", ["-D", Data, "-p", Port.ToString(), .. settings.SelectMany(setting => (string[])["-c", setting])]);
        await _process.LineAsync(line => line.Contains("ready to accept connections", StringComparison.Ordinal));
    }

    /// <summary>Stops it as a crash would: connections break, memory is lost.</summary>
    public async Task CrashAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Signal(Quit);
            await process.ExitAsync();
            await process.DisposeAsync();
        }
    }

    /// <summary>Runs SQL with psql as the owner, and gives what it prints.</summary>
    public async Task<string> SqlAsync(string database, string sql)
    {
        Finished done = await ChildProcess.RunAsync(
            Path.Combine(Programs!, "psql"), ["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", Port.ToString(), "-U", "belfry", "-d", database, "-c", sql],
            environment: new Dictionary<string, string?> { ["PGPASSWORD"] = Password });
        return done.Code == 0 ? done.Output.Trim() : throw new InvalidOperationException(done.Errors);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CrashAsync();
        _folder.Dispose();
    }

    string Data => _folder.File("data");

    async Task CreateAsync()
    {
        await File.WriteAllTextAsync(_folder.File("password"), Password);
        if (Machine.IsRoot)
        {
            await ChildProcess.RunAsync("chown", ["-R", Owner, _folder.Path]);
        }
        await using ChildProcess initdb = Run(
            "initdb", "-D", Data, "-U", "belfry", "--pwfile", _folder.File("password"), "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync");
        if (await initdb.ExitAsync() != 0)
        {
            throw new InvalidOperationException(initdb.Story());
        }
    }

    ChildProcess Run(string program, params string[] arguments)
    {
        string[] command = [Path.Combine(Programs!, program), .. arguments];
        return Machine.IsRoot
            ? ChildProcess.Start("setpriv", ["--reuid", Owner, "--regid", Owner, "--clear-groups", .. command], _folder.Path)
            : ChildProcess.Start(command[0], command[1..], _folder.Path);
    }
}
