using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Belfry.Celery.Control;

namespace Belfry.Cli;

/// <summary><c>belfry inspect ping …</c> and <c>belfry control …</c>: what workers of Celery tell, and what they are told; straight over the broker, or by a server.</summary>
static class WorkerVerbs
{
    static readonly Option<bool> Json = Common.Json();

    /// <summary>What workers tell.</summary>
    public static IEnumerable<Verb> Inspections() => WorkerCommand.Inspections.Select(command => Build(command, "inspect"));

    /// <summary><c>belfry control</c>.</summary>
    public static Verb BuildControl()
    {
        var control = new Verb("control", "Tells workers of Celery what to do", "belfry control rate-limit app.tasks.mail 10/m --broker redis://localhost:6379/0", "belfry control shutdown --destination celery@web-1 --server https://belfry.example.org");
        foreach (WorkerCommand command in WorkerCommand.Controls)
        {
            control.Add(Build(command, "control"));
        }
        return control;
    }

    static Verb Build(WorkerCommand command, string group)
    {
        var verb = new Verb(command.Name, command.Description, $"belfry {group} {command.Name}{string.Concat(command.Fields.Where(field => field.Required).Select(field => $" {field.Name.ToUpperInvariant()}"))} --broker redis://localhost:6379/0");
        if (command.Method != command.Name && WorkerCommand.Inspections.All(other => other.Name != command.Method))
        {
            verb.Aliases.Add(command.Method); // as Celery's own command has it
        }
        Dictionary<string, Func<ParseResult, IReadOnlyList<string>>> given = [];
        foreach (CommandField field in command.Fields)
        {
            given[field.Name] = Add(verb, field);
        }
        verb.Add(Json);
        return WorkerAsking.AddTo(verb).Does((line, cancel) => RunAsync(command, group == "control", given.ToDictionary(field => field.Key, field => field.Value(line)), line, cancel));
    }

    /// <summary>What must be given stands by its place, the rest is an option.</summary>
    static Func<ParseResult, IReadOnlyList<string>> Add(Verb verb, CommandField field)
    {
        if (field.Kind == FieldKind.Flag)
        {
            var flag = new Option<bool>($"--{field.Name}") { Description = field.Description };
            verb.Add(flag);
            return line => line.GetValue(flag) ? ["true"] : [];
        }
        if (field.Kind == FieldKind.Texts)
        {
            var several = new Argument<string[]>(field.Name.ToUpperInvariant()) { Description = field.Description, Arity = field.Required ? ArgumentArity.OneOrMore : ArgumentArity.ZeroOrMore };
            verb.Add(several);
            return line => line.GetValue(several) ?? [];
        }
        if (field.Required || field.Name == "n")
        {
            var one = new Argument<string?>(field.Name.ToUpperInvariant()) { Description = field.Description, Arity = field.Required ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne };
            verb.Add(one);
            return line => line.GetValue(one) is { } text ? [text] : [];
        }
        var option = new Option<string?>($"--{field.Name}") { Description = field.Description };
        verb.Add(option);
        return line => line.GetValue(option) is { } text ? [text] : [];
    }

    static async Task<int> RunAsync(WorkerCommand command, bool told, Dictionary<string, IReadOnlyList<string>> given, ParseResult line, CancellationToken cancel)
    {
        if (!CommandArguments.TryRead(command, given, out JsonObject arguments, out (string Field, string Problem)? mistake))
        {
            throw new UsageException(mistake!.Value.Problem);
        }
        JsonElement answer = WorkerAsking.Remarked(await WorkerAsking.Of(line).AskAsync(command, told, arguments, given, cancel));
        if (line.GetValue(Json))
        {
            Answers.Print(answer);
        }
        else
        {
            WorkerTables.Print(command, told, answer);
        }
        return ExitOf(command, answer);
    }

    static int ExitOf(WorkerCommand command, JsonElement answer)
    {
        JsonElement[] replies = [.. answer.GetProperty("replies").EnumerateObject().Select(reply => reply.Value)];
        bool there = command.Method == "ping" && answer.GetProperty("silent").EnumerateArray().Any(worker => worker.GetProperty("presence").GetString() == "connected");
        return replies.Length == 0 && !there ? Exits.Unreachable
            : replies.Length > 0 && replies.All(WorkerStats.IsError) ? Exits.No
            : Exits.Done;
    }
}
