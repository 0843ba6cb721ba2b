using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using Belfry.Server;
using Belfry.Storage;

namespace Belfry.Cli;

/// <summary>A verb of the command: what it is called, what it does, and an example that <c>--help</c> shows.</summary>
sealed partial class Verb(string name, string description, params string[] examples) : Command(name, description)
{
    /// <summary>Lines to type.</summary>
    public IReadOnlyList<string> Examples => examples;

    /// <summary>It is a plugin of monitoring systems, with their exit codes: 3 stands for whatever kept it from judging. Verbs below it are, too.</summary>
    public bool IsPlugin { get; init; }

    /// <summary>What it does; talk goes to stderr, data to stdout.</summary>
    public Verb Does(Func<ParseResult, CancellationToken, Task<int>> action)
    {
        SetAction(action);
        return this;
    }

    /// <summary>Reads the line, runs its verb, and turns what went wrong into a line on stderr and an exit code.</summary>
    public static async Task<int> InvokeAsync(Command root, string[] arguments)
    {
        foreach (HelpOption help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpWithExample((HelpAction)help.Action!);
        }
        ParseResult line = root.Parse(arguments);
        bool plugin = Path(line.CommandResult).OfType<Verb>().Any(verb => verb.IsPlugin);
        if (line.Errors.Count > 0 && line.Action is not HelpWithExample)
        {
            string asked = string.Join(' ', Path(line.CommandResult).Reverse().Skip(1).Select(command => command.Name).Prepend("belfry"));
            string problem = line.UnmatchedTokens.Count > 0 ? $"'{line.UnmatchedTokens[0]}' is not known here." : WrongNumber().Replace(string.Join(' ', line.Errors[0].Message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), "${option} is a number, not '${text}'.");
            Console.Error.WriteLine($"belfry: {problem} See {asked} --help.");
            return plugin ? Exits.Unknown : Exits.Wrong;
        }
        try
        {
            return await line.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
        }
        catch (SettingsException e)
        {
            Explain(e);
            return plugin ? Exits.Unknown : Exits.Wrong;
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine($"belfry: {e.Message}");
            return plugin ? Exits.Unknown : Exits.Wrong;
        }
        catch (Exception e) when (e is StoreException or UnreachableException)
        {
            Console.Error.WriteLine($"belfry: {e.Message}");
            return plugin ? Exits.Unknown : Exits.Unreachable;
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException && !plugin && ServerClient.Asked(line) is { } server)
        {
            Console.Error.WriteLine($"belfry: {server} answers, but not as a Belfry server of this version does");
            return Exits.Unreachable;
        }
        catch (OperationCanceledException)
        {
            return plugin ? Exits.Unknown : Exits.No;
        }
        catch (Exception e) when (plugin || e is DeclinedException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"belfry: {e.Message}");
            return plugin ? Exits.Unknown : Exits.No;
        }
    }

    // The parser names the type of .NET that it wanted.
    [GeneratedRegex(@"^Cannot parse argument '(?<text>.*)' for (option|command) '(?<option>.*)' as expected type '.*'\.$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex WrongNumber();

    static void Explain(SettingsException e)
    {
        Console.Error.WriteLine(e.Problems.Count == 1 ? "belfry: a setting is wrong" : $"belfry: {e.Problems.Count} settings are wrong");
        int width = e.Problems.Max(found => found.Key.Length);
        foreach (SettingProblem found in e.Problems)
        {
            Console.Error.WriteLine($"  {found.Key.PadRight(width)}  {found.Problem}");
        }
    }

    static IEnumerable<Command> Path(CommandResult result)
    {
        for (SymbolResult? at = result; at is not null; at = at.Parent)
        {
            if (at is CommandResult command)
            {
                yield return command.Command;
            }
        }
    }

    sealed class HelpWithExample(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int exit = help.Invoke(parseResult);
            if (parseResult.CommandResult.Command is Verb { Examples.Count: > 0 } verb)
            {
                Console.Out.WriteLine(verb.Examples.Count == 1 ? "Example:" : "Examples:");
                foreach (string example in verb.Examples)
                {
                    Console.Out.WriteLine($"  {example}");
                }
            }
            return exit;
        }
    }
}

/// <summary>The command was called with something that cannot be done; the message says what would be right.</summary>
sealed class UsageException(string message) : Exception(message);

/// <summary>The answer is "no"; the message says why.</summary>
sealed class DeclinedException(string message) : Exception(message);

/// <summary>Something outside cannot be reached, or an address cannot be had.</summary>
sealed class UnreachableException(string message) : Exception(message);

/// <summary>The exit codes of the command.</summary>
static class Exits
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>The answer is "no": nothing found, declined, something is wrong.</summary>
    public const int No = 1;

    /// <summary>Wrong usage or settings.</summary>
    public const int Wrong = 2;

    /// <summary>A plugin could not judge.</summary>
    public const int Unknown = 3;

    /// <summary>Nobody answered, or the store cannot be reached.</summary>
    public const int Unreachable = 69;
}
