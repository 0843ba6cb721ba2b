using System.CommandLine;
using Belfry.Celery;
using Belfry.Server;
using Belfry.Server.Sources;

namespace Belfry.Cli;

/// <summary>Which Celery cluster a verb speaks to: one on the line, or one of the settings.</summary>
static class ClusterOptions
{
    static readonly Option<string?> Broker = new("--broker", "-b") { Description = "Speak to this Celery cluster: redis://HOST:PORT/DB or amqp://HOST/VHOST", HelpName = "URL" };

    static readonly Option<string?> Backend = new("--result-backend") { Description = "Where that cluster's results are: redis://HOST:PORT/DB", HelpName = "URL" };

    /// <summary>The name of a cluster.</summary>
    public static Option<string?> Source { get; } = new("--source") { Description = "Speak to the cluster of this name in the settings (default: the only one)", HelpName = "NAME" };

    /// <summary>Clusters, of verbs that look at several.</summary>
    public static Option<string[]> Brokers { get; } = new("--broker", "-b") { Description = "Read a Celery cluster: redis://HOST:PORT/DB or amqp://HOST/VHOST (repeatable)", HelpName = "URL" };

    /// <summary>Where the results of these are.</summary>
    public static Option<string[]> Backends { get; } = new("--result-backend") { Description = "Where the results of that cluster are: redis://HOST:PORT/DB (one for each --broker, in order)", HelpName = "URL" };

    /// <summary>With the options that name a cluster.</summary>
    public static Verb OnCluster(this Verb verb)
    {
        verb.Add(Broker);
        verb.Add(Backend);
        verb.Add(Source);
        return verb;
    }

    /// <summary>The broker on the line; null without one.</summary>
    public static string? BrokerOf(ParseResult line) => line.GetValue(Broker);

    /// <summary>The cluster's name on the line; null without one.</summary>
    public static string? SourceOf(ParseResult line) => line.GetValue(Source);

    /// <summary>The cluster that a line names.</summary>
    /// <exception cref="UsageException">It names none, or one that nobody knows.</exception>
    public static Cluster Find(ParseResult line)
    {
        if (line.GetValue(Broker) is { } broker)
        {
            return At(broker, "--broker", line.GetValue(Backend));
        }
        var clusters = new Clusters(Common.Settings(line).Sources, TimeProvider.System);
        string? name = line.GetValue(Source);
        string known = clusters.All.Count == 0 ? "the settings name none" : $"the settings know {string.Join(", ", clusters.All.Select(cluster => cluster.Name))}";
        return name is not null ? clusters.Find(name) ?? throw new UsageException($"--source: no cluster is called '{name}'; {known}")
            : clusters.All.Count == 1 ? clusters.All[0]
            : throw new UsageException($"which Celery cluster? Say --broker URL or --source NAME; {known}");
    }

    /// <summary>The cluster of a broker.</summary>
    /// <exception cref="UsageException">That is none.</exception>
    public static Cluster At(string broker, string option, string? backend = null)
    {
        var source = new SourceSettings { Name = NameOf(broker), Broker = broker, ResultBackend = backend ?? "" };
        return source.Problems().FirstOrDefault() is { Problem: { } problem } wrong
            ? throw new UsageException($"{(wrong.Key == nameof(SourceSettings.ResultBackend) ? "--result-backend" : option)}: {problem}")
            : new Cluster(source, TimeProvider.System);
    }

    /// <summary>A cluster of the settings by its name.</summary>
    /// <exception cref="UsageException">None is called so.</exception>
    public static Cluster Called(ParseResult line, string name, string option) =>
        new Clusters(Common.Settings(line).Sources, TimeProvider.System).Find(name) ?? throw new UsageException($"{option}: no cluster of the settings is called '{name}'");

    /// <summary>The clusters of <see cref="Brokers"/> as settings. Their keys are no numbers, so they stand behind the clusters of the settings file and replace none.</summary>
    public static IEnumerable<(string Key, string? Value)> Named(ParseResult line)
    {
        string[] brokers = line.GetValue(Brokers) ?? [], backends = line.GetValue(Backends) ?? [];
        string[] names = [.. brokers.Select(NameOf)];
        for (int i = 0; i < brokers.Length; i++)
        {
            int before = names.Take(i).Count(name => name == names[i]);
            yield return ($"Sources:--broker {i + 1}:Broker", brokers[i]);
            yield return ($"Sources:--broker {i + 1}:ResultBackend", i < backends.Length ? backends[i] : null);
            yield return ($"Sources:--broker {i + 1}:Name", before == 0 ? names[i] : $"{names[i]}-{before + 1}");
        }
    }

    /// <summary>What a cluster's broker or results say; exit code 69 when they cannot be reached or refuse.</summary>
    /// <exception cref="UnreachableException">They cannot.</exception>
    public static async Task<T> ReachedAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception problem) when (problem is IOException or BrokerException)
        {
            throw new UnreachableException(problem.Message);
        }
    }

    /// <summary>What a cluster that was named by its broker alone is called: the broker's host, and <c>celery</c> when that is this machine.</summary>
    public static string NameOf(string broker) =>
        Uri.TryCreate(broker.Split(';')[0], UriKind.Absolute, out Uri? uri) && uri.Host.Length > 0 && !uri.IsLoopback ? uri.Host : "celery";
}
