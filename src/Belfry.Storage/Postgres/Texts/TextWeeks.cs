using System.Globalization;
using Belfry.Storage.Postgres.Reading;
using Belfry.Storage.Search;
using Npgsql;

namespace Belfry.Storage.Postgres.Texts;

/// <summary>The weeks of the index: each a table of texts, folded, with an index of trigrams (pg_trgm).</summary>
static class TextWeeks
{
    const string Read = "SELECT week, filled, runs, part FROM text_week ORDER BY week DESC";

    /// <summary>All, newest first.</summary>
    public static async Task<List<TextWeek>> AllAsync(Question question)
    {
        var weeks = new List<TextWeek>();
        await question.EachAsync(Read, [], row => weeks.Add(Of(row)));
        return weeks;
    }

    /// <summary>All, newest first.</summary>
    public static List<TextWeek> All(NpgsqlConnection connection)
    {
        var weeks = new List<TextWeek>();
        using var command = new NpgsqlCommand(Read, connection);
        using NpgsqlDataReader row = command.ExecuteReader();
        while (row.Read())
        {
            weeks.Add(Of(row));
        }
        return weeks;
    }

    /// <summary>How far the index is; null where there is none.</summary>
    public static async Task<TextIndexStatus?> StatusAsync(Question question)
    {
        if (await question.NumberAsync("SELECT count(*) FROM pg_trigger WHERE tgname = 'text_came' AND tgrelid = 'belfry.run_done'::regclass") == 0)
        {
            return null;
        }
        long oldest = await question.NumberAsync("SELECT least((SELECT min(at) FROM run_done), (SELECT min(at) FROM run_kept))");
        long newest = await question.NumberAsync("SELECT greatest((SELECT max(at) FROM run_done), (SELECT max(at) FROM run_kept))");
        return TextIndexStatus.Of(await AllAsync(question), await question.NumberAsync("SELECT count(*) FROM text_due"), oldest, newest);
    }

    /// <summary>Why there can be no such index; null when there can.</summary>
    public static async Task<string?> LacksAsync(Question question)
    {
        const string sql = """
            SELECT CASE WHEN EXISTS(SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm') THEN 0 WHEN NOT EXISTS(SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm') THEN 1
              WHEN NOT has_database_privilege(current_database(), 'CREATE') THEN 2 END
            """;
        return await question.NumberAsync(sql) switch
        {
            1 => "the server lacks the extension pg_trgm, which comes with PostgreSQL's contrib package",
            2 => "the database lacks the extension pg_trgm: whoever owns it makes that by 'CREATE EXTENSION pg_trgm'",
            _ => null,
        };
    }

    /// <summary>The name of a table of entries.</summary>
    public static string TableOf(long week, long part) => string.Create(CultureInfo.InvariantCulture, $"text_{week}_{part}");

    static TextWeek Of(NpgsqlDataReader row) => new(row.GetInt64(0), 0, row.GetInt64(1), row.GetInt64(2), 0) { Table = TableOf(row.GetInt64(0), row.GetInt64(3)) };
}
