using System.Text.Json.Nodes;
using Belfry.Celery.Calling;
using Belfry.Celery.Control;
using Belfry.Celery.Queues;
using Belfry.Celery.Results;
using Belfry.Testing;
using Npgsql;

namespace Belfry.Celery.Tests.Results;

/// <summary>Rows as SQLAlchemy writes them: the table by its own statement, the result pickled by Python.</summary>
public sealed class DatabaseResultsTests
{
    const string Table = """
        CREATE TABLE celery_taskmeta (id INTEGER NOT NULL PRIMARY KEY, task_id VARCHAR(155) UNIQUE, status VARCHAR(50), result BYTEA, date_done TIMESTAMP WITHOUT TIME ZONE, traceback TEXT)
        """;

    const string Extended = """
        ALTER TABLE celery_taskmeta ADD name VARCHAR(155), ADD args BYTEA, ADD kwargs BYTEA, ADD worker VARCHAR(155), ADD retries INTEGER, ADD queue VARCHAR(155);
        CREATE TABLE celery_tasksetmeta (id INTEGER NOT NULL PRIMARY KEY, taskset_id VARCHAR(155) UNIQUE, result BYTEA, date_done TIMESTAMP WITHOUT TIME ZONE)
        """;

    static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pickled_results_are_read_with_and_without_what_is_extended()
    {
        Assert.SkipWhen(PostgresServer.Programs is null, "PostgreSQL is not installed");
        await using PostgresServer server = await PostgresServer.StartAsync();
        await using NpgsqlDataSource source = NpgsqlDataSource.Create($"Host=127.0.0.1;Port={server.Port};Username=belfry;Password={PostgresServer.Password};Database=postgres");
        await using var results = new DatabaseResults(server.UrlOf("postgres").Replace("postgresql://", "db+postgresql://", StringComparison.Ordinal), TimeProvider.System);
        await using var nowhere = new DatabaseResults(server.UrlOf("nowhere").Replace("postgresql://", "db+postgresql://", StringComparison.Ordinal), TimeProvider.System);
        await Assert.ThrowsAsync<IOException>(() => nowhere.ReadAsync(["a"], Cancel));
        Assert.Empty(await results.ReadAsync(["a"], Cancel)); // Celery makes its tables with the first result
        await RunAsync(source, Table);
        await AddAsync(source, 1, "plain", "SUCCESS", "{'rows': (1, 2.5, None), 'ok': True}");
        await AddAsync(source, 2, "failed", "FAILURE", "{'exc_type': 'ValueError', 'exc_message': ('boom',), 'exc_module': 'builtins'}");
        await AddAsync(source, 3, "thrown", "FAILURE", "KeyError('it')");
        await AddAsync(source, 4, "odd", "SUCCESS", "__import__('datetime').timedelta(1)");
        await AddAsync(source, 5, "begun", "STARTED", "{'pid': 7}");
        IReadOnlyDictionary<string, ResultRecord> records = await results.ReadAsync(["plain", "failed", "thrown", "odd", "begun", "unknown", "no\0text"], Cancel);
        Assert.Equal(5, records.Count);
        Assert.Equal(("""{"rows": [1, 2.5, null], "ok": true}""", "2026-11-21T02:42:16.405109Z"), (records["plain"].Result, records["plain"].Done.ToString()));
        Assert.Equal(("ValueError('boom')", "KeyError('it')"), (records["failed"].Exception, records["thrown"].Exception));
        Assert.StartsWith("""{"__class__": "datetime.timedelta", "__args__": [1,""", records["odd"].Result, StringComparison.Ordinal);
        Assert.Null(records["begun"].Done);

        await RunAsync(source, Extended);
        await RunAsync(source, "UPDATE celery_taskmeta SET name = 'lab.add', args = '[2, 3]'::bytea, kwargs = '{}'::bytea, worker = 'w1@lab', retries = 2, queue = 'celery' WHERE task_id = 'plain'");
        ResultRecord extended = (await results.WaitAsync("plain", TimeSpan.Zero, Cancel))!;
        Assert.Equal(("lab.add", "[2, 3]", "{}", "w1@lab", 2, "celery"), (extended.Task, extended.Args, extended.Kwargs, extended.Worker, extended.Retries, extended.Queue));

        Task<ResultRecord?> waiting = results.WaitAsync("begun", TimeSpan.FromSeconds(30), Cancel);
        await RunAsync(source, "UPDATE celery_taskmeta SET status = 'SUCCESS' WHERE task_id = 'begun'");
        Assert.Equal("SUCCESS", (await waiting)!.Status);
    }

    [Fact]
    public async Task What_Celery_itself_writes_there_is_read()
    {
        Assert.SkipWhen(PostgresServer.Programs is null, "PostgreSQL is not installed");
        await using PostgresServer server = await PostgresServer.StartAsync();
        await using RedisServer redis = await RedisServer.StartAsync();
        string url = server.UrlOf("postgres").Replace("postgresql://", "db+postgresql://", StringComparison.Ordinal);
        await using var lab = Belfry.Testing.CeleryCluster.StartOn(redis.Url, url);
        await lab.StartWorkerAsync();
        var cluster = new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse(redis.Url), ResultBackend = url };
        await using var results = (DatabaseResults)ResultBackends.Of(cluster, TimeProvider.System)!;
        var caller = new TaskCaller(cluster, BrokerQueues.Of(cluster, TimeProvider.System), new RemoteControl(cluster, TimeProvider.System), results);

        Assert.Empty((await results.GroupAsync("nobody", Cancel)).Members);
        ResultRecord echo = await CalledAsync(new TaskCall { Task = "lab.echo", Args = """["ünïcode ✗", {"a": [1, 2.5, null]}]""" });
        Assert.Equal(("SUCCESS", "lab.echo", "w1@lab", "celery", 0), (echo.Status, echo.Task, echo.Worker, echo.Queue, echo.Retries));
        Assert.Equal(("ünïcode ✗", 2.5), ((string?)JsonNode.Parse(echo.Result!)!["args"]![0], (double)JsonNode.Parse(echo.Result!)!["args"]![1]!["a"]![1]!));
        Assert.Equal("ünïcode ✗", (string?)JsonNode.Parse(echo.Args!)![0]);
        Assert.Equal("ünïcode ✗", (string?)await lab.EvaluateAsync($"result('{echo.Id}').get(timeout=10)['args'][0]"));
        ResultRecord failed = await CalledAsync(new TaskCall { Task = "lab.fail", Kwargs = """{"text": "it's"}""" });
        Assert.Equal(("FAILURE", "ValueError(\"it's\")"), (failed.Status, failed.Exception));
        Assert.Contains("raise ValueError(text)", failed.Traceback, StringComparison.Ordinal);
        ResultRecord retried = await CalledAsync(new TaskCall { Task = "lab.retry", Args = "[2]" });
        Assert.Equal(("SUCCESS", "2", 2), (retried.Status, retried.Result, retried.Retries));
        JsonNode group = (await lab.EvaluateAsync("(lambda r: [r.save() and None, r.id, [c.id for c in r.children]])(group(add.s(i, i) for i in range(3))())"))!;
        Assert.Equal(group[2]!.AsArray().Select(id => (string)id!), (await results.GroupAsync((string)group[1]!, Cancel)).Members);
        Assert.Null(await results.WaitAsync("nobody", TimeSpan.FromMilliseconds(100), Cancel));

        async Task<ResultRecord> CalledAsync(TaskCall call)
        {
            await caller.CallAsync(call, Cancel);
            ResultRecord? record = await results.WaitAsync(call.Id, TimeSpan.FromSeconds(30), Cancel);
            Assert.True(record?.IsFinal == true, $"{call.Task}: {record}");
            return record!;
        }
    }

    [Theory]
    [InlineData("db+postgresql://")]
    [InlineData("db+postgresql://host")]
    [InlineData("rpc://")]
    [InlineData("mongodb://host/db")]
    public void A_backend_that_cannot_be_read_says_so(string url) => Assert.Throws<FormatException>(() =>
        ResultBackends.Of(new CeleryCluster { Source = "lab", Broker = BrokerUrl.Parse("redis://localhost/0"), ResultBackend = url }, TimeProvider.System));

    static async Task AddAsync(NpgsqlDataSource source, int id, string task, string status, string value)
    {
        Finished pickled = await ChildProcess.RunAsync(Machine.Python, ["-c", $"import pickle; print(pickle.dumps({value}, pickle.HIGHEST_PROTOCOL).hex())"]);
        await RunAsync(source, $"INSERT INTO celery_taskmeta(id, task_id, status, result, date_done) VALUES({id}, '{task}', '{status}', '\\x{pickled.Output.Trim()}', '2026-11-21 02:42:16.405109')");
    }

    static async Task RunAsync(NpgsqlDataSource source, string sql)
    {
        await using NpgsqlCommand command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
