namespace Belfry;

/// <summary>Reads conditions about what surrounds a task: the scheduler, the environment, parameters, functions of the user's.</summary>
sealed class SurroundingsReader(TokenReader tokens)
{
    /// <summary>Reads <c>scheduler has run over D</c> or <c>scheduler started D ago</c>.</summary>
    public SchedulerCondition Scheduler()
    {
        int begin = tokens.Next().Position;
        if (tokens.Take("started"))
        {
            TimeSpan age = DurationReader.Read(tokens);
            tokens.Expect("ago");
            return new SchedulerCondition(age, false);
        }
        tokens.Expect("has");
        if (tokens.Take("run"))
        {
            tokens.Expect("over");
            return new SchedulerCondition(DurationReader.Read(tokens), true);
        }
        while (!tokens.Peek.IsJoint)
        {
            if (tokens.Next().IsWord("cycles"))
            {
                throw new ConditionException(
                    "a scheduler that sleeps until the next change has no cycles to count; say for how long: scheduler has run over 1 hour", begin);
            }
        }
        throw tokens.Unexpected("run over");
    }

    /// <summary>Reads <c>env 'E'</c>, <c>param 'P' exists</c>, <c>param 'P' is 'V'</c> or <c>when 'N'</c>.</summary>
    public Condition Named(IEnumerable<WhenCondition> whens)
    {
        if (tokens.Take("env"))
        {
            return new EnvironmentCondition(tokens.Name("the name of an environment"));
        }
        if (tokens.Take("when"))
        {
            string name = tokens.Name("the name of a function");
            return whens.FirstOrDefault(when => when.Name == name) ?? Conditions.WhenNamed(name);
        }
        tokens.Expect("param");
        string parameter = tokens.Name("the name of a parameter");
        return tokens.Take("exists") ? new ParameterCondition(parameter, null)
            : tokens.Take("is") ? new ParameterCondition(parameter, tokens.Name("its value"))
            : throw tokens.Unexpected("exists or is");
    }
}
