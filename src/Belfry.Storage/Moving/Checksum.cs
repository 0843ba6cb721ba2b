using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Belfry.Storage.Rows;

namespace Belfry.Storage.Moving;

/// <summary>A sum over rows that does not depend on their order: two tables with the same sum and count have the same rows.</summary>
/// <remarks>Of each row the first 16 bytes of its SHA-256 are added up: a row that is there twice shows, as it would not in an exclusive or.</remarks>
sealed class Checksum
{
    readonly ArrayBufferWriter<byte> _row = new(4096);
    readonly RowPayload _payload = new();
    UInt128 _sum;

    /// <summary>How many rows were added.</summary>
    public long Rows { get; private set; }

    /// <summary>The sum, as 32 hex digits.</summary>
    public string Sum => _sum.ToString("x32");

    /// <summary>Adds a name.</summary>
    public void Add(in NumberedName name)
    {
        Put(name.Number);
        Put(name.Kind);
        // A name that became the same as another by cleaning was told apart by what stands behind it.
        Put(Clean(name.Text)?.TrimEnd('\uFFFD'));
        End();
    }

    /// <summary>Adds a row of a table.</summary>
    public void Add(PlainTable table, object?[] values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            switch (values[i])
            {
                case null when table.IsFigures:
                case 0L when table.IsFigures:
                case byte[] { Length: 0 } when table.IsFigures:
                case null:
                    Put((string?)null);
                    break;
                case long number:
                    Put(number);
                    break;
                case double real:
                    Put(BitConverter.DoubleToInt64Bits(real));
                    break;
                case string id when table.Columns[i] == "uid":
                    Put((long)(RunKey.Of(id, 0).Bits >> 64));
                    Put((long)(ulong)RunKey.Of(id, 0).Bits);
                    break;
                case string text:
                    Put(Clean(text));
                    break;
                case byte[] bytes:
                    Put(bytes);
                    break;
                case { } other:
                    throw new NotSupportedException($"{table.Name}.{table.Columns[i]} has a {other.GetType().Name}");
            }
        }
        End();
    }

    /// <summary>Adds a run: all that its columns, its payload and its facts say, in words that no engine has chosen.</summary>
    public void Add(in FoldedRun stored)
    {
        FoldedRun row = Cleaned(stored);
        TaskRun run = row.Run;
        foreach (Instant? at in (ReadOnlySpan<Instant?>)[run.At, run.First, run.Updated, run.Submitted, run.Received, run.Started, run.Finished])
        {
            Put(at?.Micros ?? long.MinValue);
        }
        Put((long)run.State);
        Put(run.Attempt);
        Put(Math.Min(run.Redeliveries, short.MaxValue)); // PostgreSQL counts no further
        Put(run.ClockOff ? 1 : 0);
        Put((long)run.Reconciled);
        Put(BitConverter.DoubleToInt64Bits(run.Runtime ?? -1));
        foreach (string? text in (ReadOnlySpan<string?>)[run.Source, run.Id, run.Task, run.Worker, run.Queue, run.App, run.Parent, run.Root])
        {
            Put(text);
        }
        Put(_payload.Write(row, PlainRow.FlagsOf(row) | RowFlags.Listed, idsToo: true));
        End();
    }

    /// <summary>PostgreSQL keeps no character 0 in a name, and no halves of characters.</summary>
    static string? Clean(string? text) => text is null ? null : Postgres.Rows.NameTable.Clean(text);

    static bool IsUnclean(string? name) => name?.Contains('\0') == true;

    static FoldedRun Cleaned(in FoldedRun row)
    {
        TaskRun run = row.Run;
        if (!IsUnclean(run.Task) && !IsUnclean(run.Worker) && !IsUnclean(run.Queue) && !IsUnclean(run.App) && !IsUnclean(run.Source)
            && !row.Facts.Any(fact => IsUnclean(fact.Task) || IsUnclean(fact.Worker) || IsUnclean(fact.Queue) || IsUnclean(fact.App)))
        {
            return row;
        }
        return new FoldedRun(
            run with { Source = Clean(run.Source)!, Task = Clean(run.Task), Worker = Clean(run.Worker), Queue = Clean(run.Queue), App = Clean(run.App) },
            [.. row.Facts.Select(fact => fact with { Source = Clean(fact.Source)!, Task = Clean(fact.Task), Worker = Clean(fact.Worker), Queue = Clean(fact.Queue), App = Clean(fact.App) })]);
    }

    void Put(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(8), value);

    void Put(string? text)
    {
        if (text is null)
        {
            Put(-1);
            return;
        }
        Put(text.Length);
        _row.Advance(Encoding.UTF8.GetBytes(text, _row.GetSpan(text.Length * 3)));
    }

    void Put(ReadOnlySpan<byte> bytes)
    {
        Put(bytes.Length);
        _row.Write(bytes);
    }

    Span<byte> Take(int bytes)
    {
        Span<byte> place = _row.GetSpan(bytes)[..bytes];
        _row.Advance(bytes);
        return place;
    }

    void End()
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(_row.WrittenSpan, hash);
        _sum += BinaryPrimitives.ReadUInt128LittleEndian(hash);
        Rows++;
        _row.ResetWrittenCount();
    }
}
