using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Belfry;

/// <summary>Registers tasks and says how they are run; handed to the function that <c>AddBelfry</c> is given.</summary>
public sealed class BelfryBuilder : TaskGroup
{
    readonly List<WhenCondition> _functions = [];
    readonly List<string> _expected = [];
    readonly List<string> _called = []; // services of which all methods can be called; emptied by Finish
    readonly List<string> _problems = []; // of the configuration and of services; told, and emptied, by Finish

    internal BelfryBuilder(IServiceCollection services, BelfryOptions options, TaskRegistry registry)
        : base(options.Defaults) => (Services, Options, Registry) = (services, options, registry);

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>How tasks are run; <c>Options.Defaults</c> are those of each task.</summary>
    public BelfryOptions Options { get; }

    /// <summary>This process was started to run one task of another's: it keeps no log, and schedules nothing.</summary>
    public static bool IsChild => ChildHost.IsHere;

    internal TaskRegistry Registry { get; }

    /// <summary>Registers a function that conditions may call by its name: <c>When("it rains", …)</c>.</summary>
    public void AddCondition(WhenCondition function) => _functions.Add(function);

    /// <summary>Names that conditions may use though no task here has them: their runs come into the log from elsewhere, from a Celery cluster for one.</summary>
    public void ExpectTasks(params IEnumerable<string> names) => _expected.AddRange(names);

    /// <summary>Reads options from configuration: <c>belfry.Configure(builder.Configuration.GetSection("Belfry"))</c>. docs/library.md has the keys.</summary>
    public void Configure(IConfiguration section) => _problems.AddRange(OptionsReader.Read(section, Options));

    /// <summary>Something is wrong with what was registered; told by <see cref="Finish"/> with all else.</summary>
    internal void Refuse(string problem) => _problems.Add(problem);

    /// <summary>All methods of a service are tasks that can be called.</summary>
    internal void Call(Type service) => _called.Add(service.Name);

    /// <summary>Makes what was registered into tasks, and tells all that is wrong with it at once.</summary>
    /// <exception cref="RegistrationException">Something is.</exception>
    internal void Finish()
    {
        List<string> problems = [.. _problems, .. Options.Problems()];
        _problems.Clear();
        if (Services.Any(service => service.ServiceType == typeof(IWorkQueue) && service.ImplementationInstance is NoWorkQueue))
        {
            problems.AddRange(_called.Select(service => $"AddCalls<{service}>: {NoWorkQueue.Refusal}"));
        }
        _called.Clear();
        Registry.Expect(_expected);
        Registry.AddFunctions(_functions);
        IReadOnlyList<WhenCondition> functions = Registry.Functions;
        problems.AddRange(functions.SelectMany(Problems));
        var refusedTasks = new HashSet<string>();
        foreach (TaskDraft draft in Take())
        {
            int before = problems.Count;
            try
            {
                Registry.Add(draft.Made(functions));
            }
            catch (ConditionException mistake)
            {
                problems.Add($"task '{draft.Name}': its condition is not understood: {mistake.Message}");
            }
            catch (RegistrationException refused)
            {
                problems.AddRange(refused.Problems.Select(problem => problem.Contains($"'{draft.Name}'", StringComparison.Ordinal) ? problem : $"task '{draft.Name}': {problem}"));
            }
            catch (FormatException wrong)
            {
                problems.Add($"task '{draft.Name}': {wrong.Message}");
            }
            if (problems.Count > before)
            {
                refusedTasks.Add(draft.Name);
            }
        }
        problems.AddRange(Registry.Problems(refusedTasks).Select(problem => problem.ToString()));
        if (problems.Count > 0)
        {
            throw new RegistrationException(problems);
        }
    }

    static IReadOnlyList<string> Problems(WhenCondition function)
    {
        try
        {
            _ = function.Test is { } test ? HandlerBinding.Of(test) : null;
            return [];
        }
        catch (RegistrationException refused)
        {
            return [.. refused.Problems.Select(problem => $"the function '{function.Name}': {problem}")];
        }
    }
}
