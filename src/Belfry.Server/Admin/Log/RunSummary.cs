namespace Belfry.Server.Admin;

/// <summary>What a row of the log says of a run beside its name: the error, the reason, the progress, or its arguments.</summary>
/// <param name="Kind">Which of them.</param>
/// <param name="Head">The class of the error, in its colour; else empty.</param>
/// <param name="Text">The rest, on one line.</param>
/// <param name="Percent">How far it is; null unless it is progress.</param>
public sealed record RunSummary(SummaryKind Kind, string Head, string Text, double? Percent)
{
    const int Longest = 160;

    /// <summary>The summary of a run.</summary>
    public static RunSummary Of(TaskRun run) => run switch
    {
        { State: RunState.Running, Percent: not null } or { State: RunState.Running, Text: not null } => Progress(run),
        { Exception: { Length: > 0 } error, State: RunState.Failed or RunState.Retried } => Error(run.ExceptionClass, error),
        { Reason: { Length: > 0 } reason, State: RunState.Cancelled or RunState.Skipped or RunState.Lost or RunState.Failed } =>
            new RunSummary(SummaryKind.Words, "", Format.OneLine(reason, Longest), null),
        _ => new RunSummary(SummaryKind.Arguments, "", Format.OneLine(Arguments(run), Longest), null),
    };

    /// <summary>Positional and keyword arguments on one line; as they came where they cannot be read.</summary>
    public static string Arguments(TaskRun run)
    {
        string args = Line(run.Args), kwargs = Line(run.Kwargs);
        return args.Length > 0 && kwargs.Length > 0 ? $"{args}, {kwargs}" : args + kwargs;
    }

    static RunSummary Progress(TaskRun run)
    {
        string percent = run.Percent is { } share ? Format.Percent(share, 100).Replace(".0 %", " %", StringComparison.Ordinal) + " " : "";
        return new RunSummary(SummaryKind.Progress, "", percent + Format.OneLine(run.Text ?? "", Longest), run.Percent is { } at ? Math.Clamp(at, 0, 100) : null);
    }

    // ReadTimeout('Read timed out.') and requests.ReadTimeout: Read timed out. both read "ReadTimeout Read timed out."
    static RunSummary Error(string? name, string error)
    {
        if (name is null)
        {
            return new RunSummary(SummaryKind.Error, "", Format.OneLine(error, Longest), null);
        }
        return new RunSummary(SummaryKind.Error, name, Format.OneLine(Message(name, error), Longest), null);
    }

    /// <summary>The message of an exception without its class.</summary>
    public static string Message(string name, string error)
    {
        string rest = error[Math.Min(error.Length, error.IndexOf(name, StringComparison.Ordinal) + name.Length)..];
        if (rest.StartsWith(':'))
        {
            return rest[1..].Trim();
        }
        return ReprText.Read(rest) is { Kind: ReprKind.List, Items: [{ Kind: ReprKind.Text } only] } ? only.Text
            : rest is ['(', .., ')'] ? rest[1..^1].TrimEnd(',') : rest;
    }

    // Only so much is read as a cell can show: an argument of 10 MB must not be parsed for a row of the log.
    static string Line(string? text)
    {
        if (string.IsNullOrWhiteSpace(text) || text.Trim() is "()" or "{}" or "[]" or "null" or "None")
        {
            return "";
        }
        ReprValue? value = text.Length <= 4000 ? ReprText.Read(text) : null;
        return value is { Kind: ReprKind.List } list ? string.Join(", ", list.Items.Select(item => item.Line())) : value?.Line() ?? text;
    }
}

/// <summary>What a summary tells.</summary>
public enum SummaryKind
{
    /// <summary>Arguments.</summary>
    Arguments,

    /// <summary>An error.</summary>
    Error,

    /// <summary>A reason.</summary>
    Words,

    /// <summary>Progress.</summary>
    Progress,
}
