namespace Belfry;

/// <summary>Reads conditions about runs: <c>has succeeded today</c>, <c>task 'x' is running</c>, <c>after tasks 'a', 'b' failed</c>.</summary>
sealed class RunsReader(TokenReader tokens)
{
    /// <summary>Reads one that begins here.</summary>
    public Condition Read()
    {
        if (tokens.Take("after"))
        {
            return After();
        }
        bool isWhile = tokens.Take("while");
        string? task = tokens.Take("task") ? tokens.Name("the name of a task") : null;
        if (!isWhile && tokens.Take("has"))
        {
            return Has(task);
        }
        if (!tokens.Take("is"))
        {
            throw tokens.Unexpected(isWhile && task is null ? "task 'NAME' is running" : isWhile ? "is running" : "has or is");
        }
        tokens.Expect("running");
        return Running(task);
    }

    Condition After()
    {
        bool any = tokens.Take("any");
        bool all = !any && tokens.Take("all");
        if (!any && !all && tokens.Take("task"))
        {
            string task = tokens.Name("the name of a task");
            return new AfterCondition(task, End());
        }
        if (!tokens.Take("tasks"))
        {
            throw tokens.Unexpected(any || all ? "tasks" : "task, tasks or any tasks");
        }
        var names = new List<string> { tokens.Name("the name of a task") };
        while (tokens.Take(","))
        {
            names.Add(tokens.Name("the name of a task"));
        }
        RunAction end = End();
        return Junction.Of(!any, names.Select(name => new AfterCondition(name, end)));
    }

    RunAction End() => tokens.Take("failed") ? RunAction.Failed
        : tokens.Take("finished") ? RunAction.Finished
        : tokens.Take("terminated") ? RunAction.Terminated
        : tokens.Take("succeeded") || tokens.Peek.IsJoint ? RunAction.Succeeded
        : throw tokens.Unexpected("succeeded, failed, finished or terminated");

    HasCondition Has(string? task)
    {
        RunAction action = tokens.Take("inacted") ? RunAction.Skipped
            : Enum.GetValues<RunAction>().Cast<RunAction?>().FirstOrDefault(known => known <= RunAction.Skipped && tokens.Take(known.Value.ToString()))
            ?? throw tokens.Unexpected("started, succeeded, failed, finished, terminated or skipped");
        var has = new HasCondition(action) { Task = task };
        if (tokens.Take("in"))
        {
            tokens.Expect("past");
            has = has with { Past = DurationReader.Read(tokens) };
        }
        else if (tokens.Take("past"))
        {
            has = has with { Past = DurationReader.Read(tokens) };
        }
        else if (tokens.Take("today"))
        {
            has = has with { Within = Places.Part(tokens, Period.Day) };
        }
        else if (tokens.Take("this"))
        {
            Period period = Places.PeriodName(tokens) ?? throw tokens.Unexpected("minute, hour, day, week or month");
            has = has with { Within = Places.Part(tokens, period) };
        }
        return has with { Count = Count() };
    }

    RunningCondition Running(string? task)
    {
        var running = new RunningCondition(task);
        if (tokens.Take("for"))
        {
            Token ages = tokens.Peek;
            if (tokens.Take("between"))
            {
                TimeSpan from = DurationReader.Read(tokens);
                tokens.Expect("and");
                TimeSpan to = DurationReader.Read(tokens);
                running = from < to ? running.Between(from, to) : throw new ConditionException("the second age must be greater than the first", ages.Position);
            }
            else
            {
                bool isLess = tokens.Take("less");
                if (!isLess && !tokens.Take("more"))
                {
                    throw tokens.Unexpected("more than, less than or between");
                }
                tokens.Expect("than");
                running = isLess ? running.LessThan(DurationReader.Read(tokens)) : running.MoreThan(DurationReader.Read(tokens));
            }
        }
        return running with { Count = Count() };
    }

    Counted Count()
    {
        if (tokens.Peek.IsQuoted || Counted.Sign(tokens.Peek.Text) is not { } comparison)
        {
            return Counted.Any;
        }
        tokens.Next();
        return new Counted(comparison, tokens.Number() ?? throw tokens.Unexpected("a number"));
    }
}
