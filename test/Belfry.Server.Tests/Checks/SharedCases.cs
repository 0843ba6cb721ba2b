using System.Text.Json;
using Belfry.Server.Checks;
using Belfry.Storage;

namespace Belfry.Server.Tests.Checks;

/// <summary>
/// The cases of status and age checks, at every instant at which they say how a check stands and at which a single call says the same:
/// it knows no <c>new</c>, no <c>cannot be judged</c> after a while, and no unresolved context; an open run counts as it is, so of the
/// continuous cases those instants count at which the newest run has ended; and a check judged by a schedule counts at its instants.
/// </summary>
public sealed class SharedCases
{
    static readonly string[] NotOfSingleCalls = ["new", "cannot be judged", "context"];

    public static TheoryData<string> Ids => [.. Cases().Select(found => found.Id)];

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_check_stands_as_the_case_says(string id)
    {
        Case found = Cases().Single(one => one.Id == id);
        foreach ((Instant at, string state, string reason) in found.Told)
        {
            Verdict verdict = CheckEvaluator.Evaluate(found.Check, new CheckHistory([.. found.Runs.Select(run => Cut(run, at)).OfType<TaskRun>()], found.Gaps(at)), at);
            Assert.Equal((at, state, reason), (at, verdict.State.ToString().ToLowerInvariant(), verdict.Reason));
        }
    }

    static IEnumerable<Case> Cases() =>
        from line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "data", "checks.jsonl"))
        let json = JsonDocument.Parse(line).RootElement
        let found = new Case(json)
        where found.Told.Count > 0
        select found;

    /// <summary>A run as its row stood at an instant; null before its first event.</summary>
    static TaskRun? Cut(TaskRun run, Instant at)
    {
        Instant? Until(Instant? seen) => seen <= at ? seen : null;
        (Instant? submitted, Instant? received, Instant? started, Instant? finished) = (Until(run.Submitted), Until(run.Received), Until(run.Started), Until(run.Finished));
        if ((started ?? submitted ?? received ?? finished) is not { } instant)
        {
            return null;
        }
        RunState open = started is not null ? RunState.Running : received is not null ? RunState.Queued : RunState.Pending;
        return run with
        {
            State = finished is null ? open : run.State,
            Submitted = submitted, Received = received, Started = started, Finished = finished, At = instant, First = instant,
            Updated = finished ?? started ?? received ?? instant,
        };
    }

    sealed class Case
    {
        readonly JsonElement _json;

        public Case(JsonElement json)
        {
            _json = json;
            Id = json.GetProperty("id").GetString()!;
            JsonElement check = json.GetProperty("check");
            bool status = check.GetProperty("kind").GetString() == "status";
            Check = new Check
            {
                Name = Id,
                Task = "job",
                Context = check.TryGetProperty("context", out JsonElement context) ? Context(context) : null,
                Expects = status
                    ? new StatusExpectation(
                        [.. check.GetProperty("expected_statuses").EnumerateArray().Select(text => RunStates.Parse(text.GetString()!))], Span(check, "lookback"))
                    : new AgeExpectation(check.GetProperty("of").GetString() == "success" ? AgeOf.Success : AgeOf.Run, Span(check, "within")),
            };
            Runs = [.. json.GetProperty("runs").EnumerateArray().Select(Run)];
            bool scheduled = check.TryGetProperty("judge", out _);
            Told =
            [
                .. Standings().Where(told => !NotOfSingleCalls.Contains(told.Reason) && (scheduled
                    ? told.At.Micros % 60_000_000 == 0 && !Runs.Any(run => run.Finished == told.At)
                    : !status || Newest(told.At) is not { Finished: null } open || Check.Expects is StatusExpectation expected && expected.States.Contains(open.State))),
            ];
        }

        public string Id { get; }

        public Check Check { get; }

        public IReadOnlyList<TaskRun> Runs { get; }

        public IReadOnlyList<(Instant At, string State, string Reason)> Told { get; }

        public IReadOnlyList<SourceGap> Gaps(Instant at) => !_json.TryGetProperty("gaps", out JsonElement gaps) ? [] :
        [
            .. from gap in gaps.EnumerateArray()
               let @from = At(gap.GetProperty("from"))
               where @from <= at
               let to = gap.GetProperty("to").ValueKind == JsonValueKind.Null ? (Instant?)null : At(gap.GetProperty("to"))
               select new SourceGap("test", @from, to <= at ? to : null, "test"),
        ];

        TaskRun? Newest(Instant at) => Runs.Select(run => Cut(run, at)).OfType<TaskRun>().MaxBy(run => run.At);

        // The state at "from" is a standing of its own only where it is judged there: a schedule judged it earlier.
        IEnumerable<(Instant At, string State, string Reason)> Standings()
        {
            JsonElement first = _json.GetProperty("at_from");
            if (!_json.GetProperty("check").TryGetProperty("judge", out _))
            {
                yield return (At(_json.GetProperty("from")), first.GetProperty("state").GetString()!, first.GetProperty("reason").GetString()!);
            }
            foreach (JsonElement transition in _json.GetProperty("transitions").EnumerateArray())
            {
                yield return (At(transition.GetProperty("at")), transition.GetProperty("to").GetString()!, transition.GetProperty("reason").GetString()!);
            }
        }

        static TaskRun Run(JsonElement json)
        {
            Instant? Known(string name) => json.TryGetProperty(name, out JsonElement value) ? At(value) : null;
            Instant first = Known("submitted") ?? Known("received") ?? Known("started") ?? default;
            return new TaskRun
            {
                Source = "test", Task = "job", Id = json.GetProperty("id").GetString()!,
                Attempt = json.TryGetProperty("attempt", out JsonElement attempt) ? attempt.GetInt32() : 1,
                State = RunStates.Parse(json.GetProperty("state").GetString()!),
                Submitted = Known("submitted"), Received = Known("received"), Started = Known("started"), Finished = Known("finished"),
                At = first, First = first, Updated = first,
                Reason = json.TryGetProperty("reason", out JsonElement reason) ? reason.GetString() : null,
                Context = json.TryGetProperty("context", out JsonElement context) && context.ValueKind == JsonValueKind.Object ? Context(context) : null,
            };
        }

        static RunContext Context(JsonElement json) => new(json.GetProperty("model").GetString(), json.GetProperty("type").GetString(), null);

        static Instant At(JsonElement json) => Instant.TryParse(json.GetString(), out Instant at) ? at : throw new FormatException(json.GetString());

        static TimeSpan Span(JsonElement check, string name)
        {
            string text = check.GetProperty(name).GetString()!;
            double number = double.Parse(text[..^1], System.Globalization.CultureInfo.InvariantCulture);
            return text[^1] switch { 'h' => TimeSpan.FromHours(number), 'm' => TimeSpan.FromMinutes(number), _ => throw new FormatException(text) };
        }
    }
}
