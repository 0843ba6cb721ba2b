using System.Text.Json;

namespace Belfry.Celery.Control;

/// <summary>Settings of Celery without which less can be known of its runs, as <c>inspect conf</c> tells them.</summary>
public static class CeleryFlags
{
    const string NoResults = "how a run ended that nobody heard of cannot be found out";

    static readonly (string Setting, string Cost)[] All =
    [
        ("task_send_sent_event", "runs are unknown until a worker takes them, and so are their queue and when they were submitted"),
        ("worker_send_task_events", "a worker that is not started with -E tells nothing of its runs until it is asked to, after each start"),
        ("task_track_started", "a result record does not tell that a run has begun"),
        ("result_extended", "of a run that is found by its result record alone name, arguments, worker and attempt are unknown"),
    ];

    /// <summary>Those that are off, each with what it costs; none when it is no answer.</summary>
    /// <param name="conf">A worker's answer to <c>conf</c>: what it does not tell is as Celery has it by default, off.</param>
    public static IReadOnlyList<FlagOff> Off(JsonElement conf)
    {
        if (conf.ValueKind != JsonValueKind.Object || conf.TryGetProperty("error", out _))
        {
            return [];
        }
        List<FlagOff> off = [.. All.Where(flag => !IsOn(conf, flag.Setting)).Select(flag => new FlagOff(flag.Setting, flag.Cost))];
        if (conf.Member("result_backend").Text() is null or "" or "disabled" or "disabled://")
        {
            off.Add(new FlagOff("result_backend", NoResults));
        }
        else if (IsOn(conf, "task_ignore_result"))
        {
            off.Add(new FlagOff("task_ignore_result = False", NoResults));
        }
        return off;
    }

    static bool IsOn(JsonElement conf, string setting) => conf.Member(setting).ValueKind == JsonValueKind.True;
}

/// <summary>A setting of Celery that is off.</summary>
/// <param name="Setting">Its name.</param>
/// <param name="Cost">What cannot be known for it.</param>
public sealed record FlagOff(string Setting, string Cost);
