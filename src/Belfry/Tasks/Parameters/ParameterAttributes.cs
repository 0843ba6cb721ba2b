namespace Belfry;

/// <summary>Says where the value of a handler's parameter comes from. What the call or the task's options give wins.</summary>
/// <remarks>Several on one parameter are a chain: return, command line, environment; then the parameter's own default.</remarks>
[AttributeUsage(AttributeTargets.Parameter)]
public abstract class ParameterSourceAttribute : Attribute
{
    private protected ParameterSourceAttribute(ParameterSource source, int rank) => (Source, Rank) = (source, rank);

    internal ParameterSource Source { get; }

    internal int Rank { get; }
}

/// <summary>The parameter is what a task returned when it last succeeded.</summary>
/// <param name="task">The task.</param>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class FromReturnAttribute(string task) : ParameterSourceAttribute(From.Return(task), 1)
{
    /// <summary>The task.</summary>
    public string Task => task;
}

/// <summary>The parameter is an option of the program's command line.</summary>
/// <param name="option">The option: <c>--region</c>.</param>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class FromCommandLineAttribute(string option) : ParameterSourceAttribute(From.CommandLine(option), 2)
{
    /// <summary>The option.</summary>
    public string Option => option;
}

/// <summary>The parameter is a variable of the environment.</summary>
/// <param name="name">Its name.</param>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class FromEnvironmentAttribute(string name) : ParameterSourceAttribute(From.Environment(name), 3)
{
    /// <summary>Its name.</summary>
    public string Name => name;
}

/// <summary>The parameter is known under another name to those who call the task, to its options and to those of the process.</summary>
/// <param name="name">That name.</param>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class FromArgumentAttribute(string name) : Attribute
{
    /// <summary>That name.</summary>
    public string Name => name;
}

/// <summary>What is given for the parameter is shown nowhere: no page, no log, no message.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class PrivateAttribute : Attribute;
