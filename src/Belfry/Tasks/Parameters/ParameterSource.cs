namespace Belfry;

/// <summary>Where the value of a parameter comes from when a run begins. Made by <see cref="From"/>.</summary>
public abstract class ParameterSource
{
    private protected ParameterSource()
    {
    }

    /// <summary>The next, where this one has no value.</summary>
    public ParameterSource Or(ParameterSource next) => new FallbackSource(this, next);

    /// <summary>This value, where the source has none.</summary>
    public ParameterSource Or(object? value) => new FallbackSource(this, From.Value(value));

    /// <summary>What it is, for messages and for people: <c>the return of 'load'</c>. Never the value of one that is private.</summary>
    public abstract override string ToString();

    /// <summary>The task whose return it is, and those of its parts.</summary>
    internal virtual IEnumerable<string> Returns => [];

    /// <summary>The value for a run, of whatever type it is.</summary>
    internal abstract ValueTask<Found> FindAsync(TaskRunContext run, CancellationToken cancel);
}

/// <summary>A value, or that there is none; null is one.</summary>
readonly record struct Found(bool IsThere, object? Value, bool IsPrivate = false)
{
    public static Found Nothing => default;

    public static Found Of(object? value) => new(true, value);
}

/// <summary>Sources of parameters: <c>options.Parameters["region"] = From.Environment("REGION").Or("eu")</c>.</summary>
public static class From
{
    /// <summary>What a task returned when it last succeeded.</summary>
    public static ParameterSource Return(string task) => new ReturnSource(task);

    /// <summary>A variable of the environment.</summary>
    public static ParameterSource Environment(string name) => new TextSource($"the variable {name}", () => System.Environment.GetEnvironmentVariable(name));

    /// <summary>An option of the program's command line: <c>--region eu</c> or <c>--region=eu</c>; one without a value is true.</summary>
    public static ParameterSource CommandLine(string option) => new TextSource($"the option {option}", () => CommandLineOption.Find(option, System.Environment.GetCommandLineArgs()));

    /// <summary>Another parameter, by its name: of the call, of the task, or of the process.</summary>
    public static ParameterSource Argument(string name) => new ArgumentSource(name);

    /// <summary>What a function answers when the run begins; its own parameters are filled in as those of a handler are.</summary>
    public static ParameterSource Function(Delegate function) => new FunctionSource(function);

    /// <summary>A value.</summary>
    public static ParameterSource Value(object? value) => new ValueSource(value);

    /// <summary>A value that is shown nowhere: no page, no log, no message.</summary>
    public static ParameterSource Private(object? value) => new PrivateSource(value as ParameterSource ?? new ValueSource(value));
}

sealed class ValueSource(object? value) : ParameterSource
{
    public override string ToString() => value is null ? "nothing" : $"'{value}'";

    internal override ValueTask<Found> FindAsync(TaskRunContext run, CancellationToken cancel) => new(Found.Of(value));
}

sealed class TextSource(string what, Func<string?> read) : ParameterSource
{
    public override string ToString() => what;

    internal override ValueTask<Found> FindAsync(TaskRunContext run, CancellationToken cancel) => new(read() is { } text ? Found.Of(text) : Found.Nothing);
}

sealed class ArgumentSource(string name) : ParameterSource
{
    public override string ToString() => $"the parameter '{name}'";

    internal override ValueTask<Found> FindAsync(TaskRunContext run, CancellationToken cancel) => run.NamedAsync(name, cancel);
}

sealed class ReturnSource(string task) : ParameterSource
{
    internal override IEnumerable<string> Returns => [task];

    public override string ToString() => $"the return of '{task}'";

    internal override ValueTask<Found> FindAsync(TaskRunContext run, CancellationToken cancel) => run.Resources.Returns.FindAsync(task, cancel);
}

sealed class FunctionSource(Delegate function) : ParameterSource
{
    readonly TaskHandler _handler = HandlerBinding.Of(function);

    internal override IEnumerable<string> Returns => HandlerBinding.ReturnsOf(function);

    public override string ToString() => $"the function {function.Method.Name}";

    internal override async ValueTask<Found> FindAsync(TaskRunContext run, CancellationToken cancel) => Found.Of(await _handler(run, cancel));
}

sealed class FallbackSource(ParameterSource first, ParameterSource next) : ParameterSource
{
    internal override IEnumerable<string> Returns => first.Returns.Concat(next.Returns);

    public override string ToString() => $"{first}, else {next}";

    internal override async ValueTask<Found> FindAsync(TaskRunContext run, CancellationToken cancel) =>
        await first.FindAsync(run, cancel) is { IsThere: true } found ? found : await next.FindAsync(run, cancel);
}

sealed class PrivateSource(ParameterSource inner) : ParameterSource
{
    internal override IEnumerable<string> Returns => inner.Returns;

    public override string ToString() => "a value that is not shown";

    internal override async ValueTask<Found> FindAsync(TaskRunContext run, CancellationToken cancel) => await inner.FindAsync(run, cancel) with { IsPrivate = true };
}
