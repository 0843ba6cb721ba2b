namespace Belfry.Storage.Rows;

/// <summary>Facts in a payload, for the few rows whose columns do not say it all.</summary>
static class FactCodec
{
    public static void Write(PayloadWriter into, PayloadWriter scratch, TaskEvent fact)
    {
        scratch.Begin();
        scratch.Number(Tag.Kind, (long)fact.Kind);
        scratch.Number(Tag.At, fact.At.Micros);
        scratch.Number(Tag.Shown, fact.ClockOff ? fact.Shown.Micros : null);
        scratch.Number(Tag.Attempt, fact.Attempt);
        scratch.Number(Tag.Reconciled, fact.Reconciled ? 1 : null);
        scratch.Number(Tag.Until, fact.Until?.Micros);
        scratch.Text(Tag.Worker, fact.Worker);
        scratch.Text(Tag.Task, fact.Task);
        scratch.Text(Tag.Queue, fact.Queue);
        scratch.Text(Tag.Args, fact.Args);
        scratch.Text(Tag.Kwargs, fact.Kwargs);
        scratch.Text(Tag.Result, fact.Result);
        scratch.Text(Tag.Exception, fact.Exception);
        scratch.Text(Tag.Traceback, fact.Traceback);
        scratch.Text(Tag.Reason, fact.Reason);
        scratch.Real(Tag.Runtime, fact.Runtime);
        scratch.Real(Tag.Percent, fact.Percent);
        scratch.Text(Tag.Text, fact.Text);
        scratch.Number(Tag.Eta, fact.Eta?.Micros);
        scratch.Number(Tag.Expires, fact.Expires?.Micros);
        scratch.Number(Tag.Priority, fact.Priority);
        scratch.Text(Tag.Parent, fact.Parent);
        scratch.Text(Tag.Root, fact.Root);
        scratch.Text(Tag.App, fact.App);
        scratch.Text(Tag.ContextModel, fact.Context?.Model);
        scratch.Text(Tag.ContextType, fact.Context?.Type);
        scratch.Text(Tag.ContextId, fact.Context?.Id);
        scratch.Text(Tag.Extra, fact.Extra);
        into.Bytes(Tag.Fact, scratch.Written);
    }

    public static TaskEvent Read(ReadOnlySpan<byte> bytes, string source, string id)
    {
        var fact = new TaskEvent { Source = source, Id = id, Kind = default, At = default };
        RunContext? context = null;
        for (var reader = new PayloadReader(bytes); reader.Next();)
        {
            fact = reader.Tag switch
            {
                Tag.Kind => fact with { Kind = (EventKind)reader.Number },
                Tag.At => fact with { At = reader.Instant },
                Tag.Shown => fact with { Shown = reader.Instant },
                Tag.Attempt => fact with { Attempt = (int)reader.Number },
                Tag.Reconciled => fact with { Reconciled = true },
                Tag.Until => fact with { Until = reader.Instant },
                Tag.Worker => fact with { Worker = reader.Text },
                Tag.Task => fact with { Task = reader.Text },
                Tag.Queue => fact with { Queue = reader.Text },
                Tag.Args => fact with { Args = reader.Text },
                Tag.Kwargs => fact with { Kwargs = reader.Text },
                Tag.Result => fact with { Result = reader.Text },
                Tag.Exception => fact with { Exception = reader.Text },
                Tag.Traceback => fact with { Traceback = reader.Text },
                Tag.Reason => fact with { Reason = reader.Text },
                Tag.Runtime => fact with { Runtime = reader.Real },
                Tag.Percent => fact with { Percent = reader.Real },
                Tag.Text => fact with { Text = reader.Text },
                Tag.Eta => fact with { Eta = reader.Instant },
                Tag.Expires => fact with { Expires = reader.Instant },
                Tag.Priority => fact with { Priority = (int)reader.Number },
                Tag.Parent => fact with { Parent = reader.Text },
                Tag.Root => fact with { Root = reader.Text },
                Tag.App => fact with { App = reader.Text },
                Tag.Extra => fact with { Extra = reader.Text },
                _ => fact,
            };
            context = WithContext(context, ref reader);
        }
        return context is null ? fact : fact with { Context = context };
    }

    /// <summary>The context with what this field says of it.</summary>
    public static RunContext? WithContext(RunContext? context, ref PayloadReader reader) => reader.Tag switch
    {
        Tag.ContextModel => (context ?? new RunContext(null, null, null)) with { Model = reader.Text },
        Tag.ContextType => (context ?? new RunContext(null, null, null)) with { Type = reader.Text },
        Tag.ContextId => (context ?? new RunContext(null, null, null)) with { Id = reader.Text },
        _ => context,
    };
}
