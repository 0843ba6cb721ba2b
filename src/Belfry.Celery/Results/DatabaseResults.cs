using System.Text;
using System.Text.Json;
using Npgsql;

namespace Belfry.Celery.Results;

/// <summary>Results in PostgreSQL, in the table <c>celery_taskmeta</c> that Celery makes there with SQLAlchemy. The column of the result is always a pickle.</summary>
sealed class DatabaseResults : IResultBackend, IAsyncDisposable
{
    // Columns beyond the first five are there only with Celery's result_extended, so all that are there are asked for.
    const string Select = "SELECT * FROM celery_taskmeta WHERE task_id = ANY($1)";

    const string SelectGroup = "SELECT result FROM celery_tasksetmeta WHERE taskset_id = $1";

    // Celery's own clients look twice a second.
    static readonly TimeSpan Look = TimeSpan.FromSeconds(0.5);

    readonly NpgsqlDataSource _source;
    readonly string _place;
    readonly TimeProvider _clock;

    /// <summary>The results in a database.</summary>
    /// <param name="url">Its address, as Celery has it: <c>db+postgresql://USER:PASSWORD@HOST/DATABASE</c>.</param>
    /// <param name="clock">The clock.</param>
    /// <exception cref="FormatException">It is none.</exception>
    public DatabaseResults(string url, TimeProvider clock)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0 || uri.AbsolutePath.Length < 2)
        {
            throw new FormatException("results in PostgreSQL are at db+postgresql://USER:PASSWORD@HOST:PORT/DATABASE");
        }
        string[] login = uri.UserInfo.Split(':', 2);
        var connection = new NpgsqlConnectionStringBuilder
        {
            Host = uri.Host, Port = uri.Port > 0 ? uri.Port : NpgsqlConnection.DefaultPort, Database = Uri.UnescapeDataString(uri.AbsolutePath[1..]),
            Username = Uri.UnescapeDataString(login[0]), Password = login.Length > 1 ? Uri.UnescapeDataString(login[1]) : null, Timeout = 10, CommandTimeout = 10, MaxPoolSize = 4,
        };
        (_place, _clock) = ($"{uri.Host}/{connection.Database}", clock);
        _source = NpgsqlDataSource.Create(connection);
    }

    /// <inheritdoc/>
    public Task<string?> ReplyToAsync(CancellationToken cancel) => Task.FromResult<string?>(null);

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, ResultRecord>> ReadAsync(IReadOnlyCollection<string> ids, CancellationToken cancel) => AskAsync<IReadOnlyDictionary<string, ResultRecord>>(async () =>
    {
        await using NpgsqlCommand command = _source.CreateCommand(Select);
        command.Parameters.AddWithValue(ids.Where(IsText).ToArray());
        await using NpgsqlDataReader row = await command.ExecuteReaderAsync(cancel);
        var columns = Enumerable.Range(0, row.FieldCount).ToDictionary(row.GetName, StringComparer.Ordinal);
        var records = new Dictionary<string, ResultRecord>(StringComparer.Ordinal);
        while (await row.ReadAsync(cancel))
        {
            T? Of<T>(string name)
                where T : class => columns.TryGetValue(name, out int column) && !row.IsDBNull(column) ? row.GetFieldValue<T>(column) : null;
            int? retries = columns.TryGetValue("retries", out int at) && !row.IsDBNull(at) ? row.GetInt32(at) : null;
            Instant? done = columns.TryGetValue("date_done", out int when) && !row.IsDBNull(when) ? Instant.From(new DateTimeOffset(row.GetDateTime(when), TimeSpan.Zero)) : null;
            var record = new ResultRecord
            {
                Id = Of<string>("task_id")!, Status = Of<string>("status"), Traceback = Of<string>("traceback"), Done = done, Retries = retries,
                Task = Of<string>("name"), Worker = Of<string>("worker"), Queue = Of<string>("queue"),
                Args = Sound(Of<byte[]>("args"), '['), Kwargs = Sound(Of<byte[]>("kwargs"), '{'),
            };
            // The row has a date from its begin: it is that of the last change.
            records[record.Id] = WithResult(record.IsFinal ? record : record with { Done = null }, Of<byte[]>("result"));
        }
        return records;
    }, new Dictionary<string, ResultRecord>(), cancel);

    /// <inheritdoc/>
    public async Task<ResultRecord?> WaitAsync(string id, TimeSpan timeout, CancellationToken cancel)
    {
        Instant end = Instant.Now(_clock) + timeout;
        while (true)
        {
            ResultRecord? record = (await ReadAsync([id], cancel)).GetValueOrDefault(id);
            TimeSpan left = end - Instant.Now(_clock);
            if (record is { IsFinal: true } || left <= TimeSpan.Zero)
            {
                return record;
            }
            await Task.Delay(left < Look ? left : Look, _clock, cancel);
        }
    }

    /// <inheritdoc/>
    public Task<GroupRecord> GroupAsync(string group, CancellationToken cancel) => !IsText(group) ? Task.FromResult(GroupRecord.None) : AskAsync(async () =>
    {
        await using NpgsqlCommand command = _source.CreateCommand(SelectGroup);
        command.Parameters.AddWithValue(group);
        return await command.ExecuteScalarAsync(cancel) is byte[] pickle && ResultReader.Unpickled(pickle).Json is { } json ? GroupRecord.Of(ResultReader.PickledMembers(Encoding.UTF8.GetBytes(json))) : GroupRecord.None;
    }, GroupRecord.None, cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <summary>PostgreSQL has no texts with a character 0: it would refuse all that is asked for together with such an id.</summary>
    static bool IsText(string id) => !id.Contains('\0', StringComparison.Ordinal);

    static ResultRecord WithResult(ResultRecord record, byte[]? pickle)
    {
        if (pickle is null)
        {
            return record;
        }
        (string? json, string? problem) = ResultReader.Unpickled(pickle);
        if (json is null)
        {
            return record with { Problem = problem };
        }
        using PythonJson document = PythonJson.Parse(Encoding.UTF8.GetBytes(json));
        return ResultReader.WithException(record with { Result = json }, document, document.Root);
    }

    // Written by the serializer of results, JSON mostly.
    static string? Sound(byte[]? bytes, char first)
    {
        try
        {
            using PythonJson? document = bytes is [var b, ..] && b == first ? PythonJson.Parse(bytes) : null;
            return document is null ? null : Encoding.UTF8.GetString(bytes!);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    async Task<T> AskAsync<T>(Func<Task<T>> ask, T none, CancellationToken cancel)
    {
        try
        {
            return await ask();
        }
        catch (Exception) when (cancel.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancel);
        }
        catch (PostgresException missing) when (missing.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            // Celery makes its tables when it stores the first result: there is none yet.
            return none;
        }
        catch (Exception problem) when (problem is NpgsqlException or TimeoutException)
        {
            throw new IOException($"results at {_place} cannot be read: {problem.InnerException?.Message ?? problem.Message}", problem);
        }
    }
}
