using Belfry.Storage.Payloads;

namespace Belfry.Storage.Writing;

/// <summary>
/// What one event may be: impossible ids are refused, clocks that are far off marked, longer texts cut, all of it counted;
/// secrets are hidden, and nested data emptied if so wished.
/// </summary>
sealed class EventLimits(SecretMask mask, bool truncateNested, IReadOnlyDictionary<string, string> apps)
{
    /// <summary>The longest text kept of arguments, results and traces, in characters.</summary>
    public const int LongestText = 1_000_000;

    const int LongestName = TaskEvent.LongestName;

    static readonly TimeSpan Ahead = TimeSpan.FromHours(24);

    /// <summary>The event as it may be stored; null when it is refused.</summary>
    public TaskEvent? Apply(TaskEvent item, Instant now, Action<string, string> refuse)
    {
        if (item.Id.Length > LongestName || (item.Id.Length == 0 && !item.Kind.IsAboutWorker()))
        {
            refuse(item.Source, item.Id.Length == 0 ? "event without an id" : $"id of more than {LongestName} characters");
            return null;
        }
        if (item.At.Micros < 0 || item.At > now + Ahead)
        {
            refuse(item.Source, item.At.Micros < 0 ? "instant before 1970, shown as its arrival" : "instant more than 24 h ahead, shown as its arrival");
            item = item with { Shown = now };
        }
        item = Renamed(IsShort(item) ? item : Cut(item, refuse));
        return Masked(truncateNested ? Emptied(item) : item);
    }

    /// <summary>Under the name that its application is shown by.</summary>
    TaskEvent Renamed(TaskEvent item) =>
        apps.Count > 0 && (item.App ?? AppNames.Of(item.Task)) is { } app && apps.TryGetValue(app, out string? shown) ? item with { App = shown } : item;

    /// <summary>Without what is nested in arguments and results. Whoever calls the run again must know that its arguments are not whole.</summary>
    static TaskEvent Emptied(TaskEvent item)
    {
        string? args = Truncation.OfArguments(item.Args), kwargs = Truncation.OfArguments(item.Kwargs), result = Truncation.OfResult(item.Result);
        bool whole = ReferenceEquals(args, item.Args) && ReferenceEquals(kwargs, item.Kwargs);
        return whole && ReferenceEquals(result, item.Result) ? item
            : item with { Args = args, Kwargs = kwargs, Result = result, Extra = whole ? item.Extra : Again.NoteEmptied(item.Extra) };
    }

    TaskEvent Masked(TaskEvent item)
    {
        string? args = mask.Apply(item.Args), kwargs = mask.Apply(item.Kwargs), result = mask.Apply(item.Result), extra = mask.Apply(item.Extra);
        string? exception = mask.Apply(item.Exception), traceback = mask.Apply(item.Traceback, trace: true), reason = mask.Apply(item.Reason), said = mask.Apply(item.Text);
        bool same = ReferenceEquals(args, item.Args) && ReferenceEquals(kwargs, item.Kwargs) && ReferenceEquals(result, item.Result)
            && ReferenceEquals(exception, item.Exception) && ReferenceEquals(traceback, item.Traceback) && ReferenceEquals(reason, item.Reason)
            && ReferenceEquals(said, item.Text) && ReferenceEquals(extra, item.Extra);
        return same ? item : item with
        {
            Args = args, Kwargs = kwargs, Result = result, Exception = exception, Traceback = traceback, Reason = reason, Text = said, Extra = extra,
        };
    }

    static bool IsShort(TaskEvent item) =>
        Length(item.Task) <= LongestName && Length(item.Worker) <= LongestName && Length(item.Queue) <= LongestName
        && Length(item.App) <= LongestName && Length(item.Parent) <= LongestName && Length(item.Root) <= LongestName
        && Length(item.Args) <= LongestText && Length(item.Kwargs) <= LongestText && Length(item.Result) <= LongestText
        && Length(item.Exception) <= LongestText && Length(item.Traceback) <= LongestText && Length(item.Reason) <= LongestText
        && Length(item.Text) <= LongestText && Length(item.Extra) <= LongestText;

    static TaskEvent Cut(TaskEvent item, Action<string, string> refuse)
    {
        string? To(int limit, string what, string? text)
        {
            if (Length(text) <= limit)
            {
                return text;
            }
            refuse(item.Source, $"{what} cut to {limit:N0} characters");
            return Excerpt.Of(text, limit);
        }
        return item with
        {
            Task = To(LongestName, "task name", item.Task),
            Worker = To(LongestName, "worker name", item.Worker),
            Queue = To(LongestName, "queue name", item.Queue),
            App = To(LongestName, "application name", item.App),
            Parent = Length(item.Parent) > LongestName ? null : item.Parent,
            Root = Length(item.Root) > LongestName ? null : item.Root,
            Args = To(LongestText, "args", item.Args),
            Kwargs = To(LongestText, "kwargs", item.Kwargs),
            Result = To(LongestText, "result", item.Result),
            Exception = To(LongestText, "exception", item.Exception),
            Traceback = To(LongestText, "traceback", item.Traceback),
            Reason = To(LongestText, "reason", item.Reason),
            Text = To(LongestText, "progress text", item.Text),
            Extra = To(LongestText, "unknown fields", item.Extra),
        };
    }

    static int Length(string? text) => text?.Length ?? 0;
}
