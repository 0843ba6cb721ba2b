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
        List<TextWeek> weeks = await AllAsync(question);
        long missing = weeks.Count(week => !week.IsWhole);
        foreach (string end in (string[])["max", "min"])
        {
            long at = await question.NumberAsync($"SELECT {(end == "max" ? "greatest" : "least")}((SELECT {end}(at) FROM run_done), (SELECT {end}(at) FROM run_kept))");
            missing += at > 0 && weeks.TrueForAll(week => week.Week != TextWeek.Of(at)) ? 1 : 0;
        }
        return new TextIndexStatus(weeks.Sum(week => week.Runs), missing + await question.NumberAsync("SELECT count(*) FROM text_due"));
    }

    /// <summary>The name of a table of entries.</summary>
    public static string TableOf(long week, long part) => string.Create(CultureInfo.InvariantCulture, $"text_{week}_{part}");

    static TextWeek Of(NpgsqlDataReader row) => new(row.GetInt64(0), 0, row.GetInt64(1), row.GetInt64(2), 0) { Table = TableOf(row.GetInt64(0), row.GetInt64(3)) };
}
