using System.Text;
using System.Text.Json;

namespace Belfry.Celery.Events;

/// <summary>Makes a <see cref="TaskEvent"/> of one event object of Celery.</summary>
/// <remarks>For one thread: it keeps the names it has seen.</remarks>
sealed class EventReader(string source)
{
    // What is left of an object that was cut is none: fields that go beyond are left out. Other texts are the log's to cut.
    const int LongestExtra = 256 * 1024;

    // "()", "{}", "None", "True", small numbers.
    const int LongestShort = 8;

    static readonly TimeSpan FarAhead = TimeSpan.FromHours(24);

    readonly NameCache _names = new(4096);
    readonly NameCache _shortTexts = new(1024);
    readonly RecentTexts _texts = new(8192);
    readonly List<Range> _unknown = [];

    /// <summary>Reads the object at whose begin the reader stands, adds its event to the batch or counts why not.</summary>
    public void Read(ReadOnlySpan<byte> json, ref Utf8JsonReader reader, Instant arrived, EventBatch into)
    {
        _unknown.Clear();
        var fields = new EventFields(json, ref reader, _unknown);
        if (!fields.IsText(EventField.Type))
        {
            into.Refuse("event without a type");
        }
        else if (EventKindNames.Of(fields) is not { } kind)
        {
            if (!EventKindNames.IsGossip(fields.Bytes(EventField.Type)))
            {
                into.Refuse($"unknown kind {Shortened(fields.Bytes(EventField.Type))}");
            }
        }
        else if (kind.Kind.IsAboutWorker())
        {
            AddWorkerEvent(fields, kind.Kind, arrived, into);
        }
        else
        {
            AddRunEvent(json, fields, kind.Kind, kind.Reason, arrived, into);
        }
    }

    /// <summary>A name from outside, short enough to be counted under.</summary>
    public static string Shortened(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8[..Math.Min(utf8.Length, 60)]);

    void AddWorkerEvent(scoped in EventFields fields, EventKind kind, Instant arrived, EventBatch into)
    {
        if (Name(fields, EventField.Hostname, into) is not { Length: > 0 } worker)
        {
            into.Refuse("worker event without a hostname");
            return;
        }
        Instant at = At(fields, arrived, into);
        into.Add(new TaskEvent
        {
            Source = source, Id = "", Kind = kind, At = at, Shown = Shown(at, arrived), Worker = worker,
            Beat = new WorkerBeat(
                (int?)fields.Whole(EventField.Pid), Finite(fields.Number(EventField.Frequency)),
                fields.Whole(EventField.Active), fields.Whole(EventField.Processed), Software(fields, into)),
        });
    }

    void AddRunEvent(ReadOnlySpan<byte> json, scoped in EventFields fields, EventKind kind, string? reason, Instant arrived, EventBatch into)
    {
        ReadOnlySpan<byte> idBytes = fields.Bytes(EventField.Uuid);
        if (!fields.IsText(EventField.Uuid) || idBytes.IsEmpty || idBytes.Length > TaskEvent.LongestName)
        {
            into.Refuse(idBytes.Length > TaskEvent.LongestName ? $"id over {TaskEvent.LongestName} bytes" : "task event without an id");
            return;
        }
        string id = Text(fields, EventField.Uuid)!;
        Instant at = At(fields, arrived, into);
        bool namesAttempt = kind is EventKind.Submitted or EventKind.Received;
        into.Add(new TaskEvent
        {
            Source = source, Id = id, Kind = kind, At = at, Shown = Shown(at, arrived),
            Attempt = namesAttempt && fields.Whole(EventField.Retries) is { } retries and >= 0 and < int.MaxValue ? (int)retries + 1 : null,
            // The hostname of a submission is its sender's, not the worker's.
            Worker = kind == EventKind.Submitted ? null : Name(fields, EventField.Hostname, into),
            Task = Name(fields, EventField.Name, into),
            Queue = Name(fields, EventField.Queue, into),
            Args = Text(fields, EventField.Args),
            Kwargs = Text(fields, EventField.Kwargs),
            Result = Text(fields, EventField.Result),
            Exception = Thrown(fields),
            Traceback = Text(fields, EventField.Traceback),
            Reason = reason,
            Runtime = Finite(fields.Number(EventField.Runtime)),
            Percent = kind == EventKind.Progress ? Percent(fields) : null,
            Text = Text(fields, EventField.Text),
            Eta = Time(fields, EventField.Eta),
            Expires = Time(fields, EventField.Expires),
            // A retry names itself as its parent.
            Parent = SameAsId(fields, EventField.ParentId) ? null : Text(fields, EventField.ParentId),
            Root = SameAsId(fields, EventField.RootId) ? id : Text(fields, EventField.RootId),
            Extra = Extra(json, fields, kind, into),
        });
    }

    /// <summary>The exception. Where it is named after what carried it between processes, the last line of the trace tells what it was.</summary>
    /// <remarks>Seen with Debian's Celery 5.2 and billiard 4: hard time limits and children that died.</remarks>
    string? Thrown(scoped in EventFields fields)
    {
        string? text = Text(fields, EventField.Exception);
        if (text != "ExceptionWithTraceback()" || Text(fields, EventField.Traceback)?.TrimEnd() is not { } trace)
        {
            return text;
        }
        string last = trace[(trace.LastIndexOf('\n') + 1)..];
        return TaskRun.ClassOf(last) is null ? text : last;
    }

    static Instant At(scoped in EventFields fields, Instant arrived, EventBatch into)
    {
        if (fields.Number(EventField.Timestamp) is { } seconds && !double.IsNaN(seconds))
        {
            return Instant.FromUnixSeconds(seconds);
        }
        into.Refuse("event without a timestamp (its arrival counts)");
        return arrived;
    }

    static Instant Shown(Instant at, Instant arrived) => at.Micros < 0 || at > arrived + FarAhead ? arrived : at;

    static double? Finite(double? number) => number is { } value && double.IsFinite(value) ? value : null;

    static double? Percent(scoped in EventFields fields)
    {
        double? share = fields.Number(EventField.Percent)
            ?? (fields.Number(EventField.Total) is > 0 and { } total ? fields.Number(EventField.Current) / total * 100 : null);
        return Finite(share) is { } percent ? Math.Clamp(percent, 0, 100) : null;
    }

    static Instant? Time(scoped in EventFields fields, EventField field)
    {
        if (!fields.Has(field))
        {
            return null;
        }
        if (fields.Number(field) is { } seconds)
        {
            return double.IsFinite(seconds) ? Instant.FromUnixSeconds(seconds) : null;
        }
        string text = Shortened(fields.Bytes(field));
        // Without an offset it is UTC: enable_utc is Celery's default.
        return Instant.TryParse(text, out Instant time) || Instant.TryParse($"{text}Z", out time) ? time : null;
    }

    static bool SameAsId(scoped in EventFields fields, EventField field) => fields.Has(field) && fields.Bytes(field).SequenceEqual(fields.Bytes(EventField.Uuid));

    string? Software(scoped in EventFields fields, EventBatch into) =>
        fields.Has(EventField.Software) ? $"{Name(fields, EventField.Software, into)} {Name(fields, EventField.Version, into)}".TrimEnd() : null;

    /// <summary>A name, cut as the log would cut it: who watches workers knows them by the same names.</summary>
    string? Name(scoped in EventFields fields, EventField field, EventBatch into)
    {
        if (fields.IsPlain(field) && fields.Bytes(field).Length <= TaskEvent.LongestName)
        {
            return _names.Get(fields.Bytes(field));
        }
        string? text = Text(fields, field);
        if (text is not { Length: > TaskEvent.LongestName })
        {
            return text;
        }
        into.Refuse($"name cut to {TaskEvent.LongestName} characters");
        return Excerpt.Of(text, TaskEvent.LongestName);
    }

    string? Text(scoped in EventFields fields, EventField field)
    {
        if (!fields.Has(field))
        {
            return null;
        }
        ReadOnlySpan<byte> bytes = fields.Bytes(field);
        bool escaped = fields.IsText(field) && !fields.IsPlain(field);
        return escaped ? JsonText.Decode(bytes) : bytes.Length <= LongestShort ? _shortTexts.Get(bytes) : _texts.Get(bytes);
    }

    string? Extra(ReadOnlySpan<byte> json, scoped in EventFields fields, EventKind kind, EventBatch into)
    {
        bool custom = kind == EventKind.Progress;
        if (_unknown.Count == 0 && !custom)
        {
            return null;
        }
        var text = new StringBuilder("{");
        if (custom && !fields.Bytes(EventField.Type).SequenceEqual("task-progress"u8))
        {
            Append(text, "\"type\": ", fields, EventField.Type);
        }
        if (custom)
        {
            Append(text, "\"current\": ", fields, EventField.Current);
            Append(text, "\"total\": ", fields, EventField.Total);
        }
        foreach (Range place in _unknown)
        {
            if (text.Length + json[place].Length > LongestExtra)
            {
                into.Refuse($"unknown fields over {LongestExtra} bytes, left out");
                break;
            }
            text.Append(text.Length > 1 ? ", " : "").Append(Encoding.UTF8.GetString(json[place]));
        }
        return text.Length > 1 ? text.Append('}').ToString() : null;
    }

    static void Append(StringBuilder text, string name, scoped in EventFields fields, EventField field)
    {
        if (!fields.Has(field))
        {
            return;
        }
        string value = Encoding.UTF8.GetString(fields.Bytes(field));
        text.Append(text.Length > 1 ? ", " : "").Append(name).Append(fields.IsText(field) ? $"\"{value}\"" : value);
    }
}
