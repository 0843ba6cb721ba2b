namespace Belfry.EndToEnd.Tests.Gaps;

/// <summary>A time in which events are lost, and what was there before and after.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Play">Plays it: the load runs already, and still runs afterwards.</param>
sealed record GapScenario(string Name, Func<GapSite, Task> Play)
{
    /// <summary>What a prototype reached with the same Celery: runs, right, missing, unseen, other, right after.</summary>
    public required string Measured { get; init; }

    /// <summary>The broker is RabbitMQ.</summary>
    public bool OnRabbit { get; init; }

    /// <summary>The broker is killed and started again: workers forget what they held, and what it had not written by then is lost.</summary>
    public bool Restarts { get; init; }

    /// <summary>What is done to RabbitMQ concerns all who use it.</summary>
    public bool OwnBroker { get; init; }

    /// <summary>Celery's pool.</summary>
    public string Pool { get; init; } = "prefork";

    /// <summary>Records name worker and attempt.</summary>
    public bool Extended { get; init; } = true;

    /// <summary>Further options of redis-server.</summary>
    public string[] Redis { get; init; } = [];

    /// <summary>No worker dies: nothing may be Lost, not even for a moment.</summary>
    public bool LosesNothing { get; init; }

    /// <summary>It is short enough, and of its kind the only one, to be played with every test.</summary>
    public bool Always { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
