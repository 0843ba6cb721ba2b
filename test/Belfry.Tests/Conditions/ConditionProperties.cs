using Belfry.Testing;
using static Belfry.Conditions;

namespace Belfry.Tests.Conditions;

/// <summary>What holds for every condition, whatever it is made of.</summary>
public sealed class ConditionProperties
{
    static readonly string[] Zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Africa/Casablanca"];

    [Fact]
    public void The_next_change_is_the_one_that_a_walk_by_the_minute_finds() =>
        Walk(Soak.Count(1500, 40_000), TimeSpan.FromMinutes(1), 3 * 1440);

    [Fact]
    public void The_next_change_is_the_one_that_a_walk_by_the_second_finds() =>
        Walk(Soak.Count(500, 20_000), TimeSpan.FromSeconds(1), 2 * 3600);

    [Fact]
    public void A_condition_holds_when_a_naive_reading_of_its_meaning_does()
    {
        int held = 0, rounds = Soak.Count(20_000, 400_000);
        for (int seed = 0; seed < rounds; seed++)
        {
            var random = new Random(seed);
            TimeSpan step = random.Next(4) == 0 ? TimeSpan.FromSeconds(1) : TimeSpan.FromMinutes(1);
            var any = new RandomConditions(random, step);
            Condition condition = any.Tree(random.Next(3));
            ConditionContext context = any.Context(Now(random, step), TimeZoneInfo.Utc);
            bool expected = new NaiveConditions(context).Holds(condition);
            Assert.True(expected == condition.Holds(context), $"seed {seed}: {condition} at {context.Now} is {!expected}");
            held += expected ? 1 : 0;
        }
        Assert.InRange(held, rounds / 4, rounds * 3 / 4);
    }

    [Fact]
    public void What_a_history_forgets_changes_nothing_but_counts()
    {
        for (int seed = 0; seed < Soak.Count(5000, 100_000); seed++)
        {
            var random = new Random(seed);
            var any = new RandomConditions(random, TimeSpan.FromMinutes(1));
            Condition condition = any.Tree(random.Next(3));
            ConditionContext context = any.Context(Now(random, TimeSpan.FromMinutes(1)), TimeZoneInfo.Utc);
            context = context with { Own = context.Own.AsOf(context.Now) };
            ConditionContext forgetful = context with { Own = context.Own.Since(context.Now), Tasks = name => context.Tasks(name).AsOf(context.Now).Since(context.Now) };
            if (!condition.Leaves.OfType<HasCondition>().Any())
            {
                Assert.True(condition.Holds(context) == condition.Holds(forgetful), $"seed {seed}: {condition} holds otherwise");
                Assert.True(condition.NextChange(context) == condition.NextChange(forgetful), $"seed {seed}: {condition} changes otherwise");
                Assert.True(condition.RetryAt(context) == condition.RetryAt(forgetful), $"seed {seed}: {condition} is retried otherwise");
            }
        }
    }

    [Fact]
    public void What_a_condition_prints_reads_back_to_an_equal_one()
    {
        for (int seed = 0; seed < Soak.Count(5000, 100_000); seed++)
        {
            var random = new Random(seed);
            Condition condition = new RandomConditions(random, random.Next(2) == 0 ? TimeSpan.FromMinutes(1) : TimeSpan.FromMilliseconds(1.5)).Tree(random.Next(5));
            string text = condition.ToString();
            Assert.True(condition == Condition.Parse(text), $"seed {seed}: {text} reads back as {Condition.Parse(text)}");
            Assert.Equal(condition.GetHashCode(), Condition.Parse($" ( {text}\n)").GetHashCode());
        }
    }

    [Fact]
    public void An_explanation_says_of_each_part_what_the_part_says()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var any = new RandomConditions(random, TimeSpan.FromMinutes(1));
            Condition condition = any.Tree(3);
            ConditionContext context = any.Context(Now(random, TimeSpan.FromMinutes(1)), TimeZoneInfo.Utc);
            Explanation explained = condition.Explain(context);
            Assert.Equal((condition.Holds(context), condition.NextChange(context)), (explained.Holds, explained.NextChange));
            Assert.Equal(condition.Parts.Select(part => part.Explain(context).ToString()), explained.Parts.Select(part => part.ToString()));
            Assert.StartsWith(explained.Holds ? "true   " : "false  ", explained.ToString(), StringComparison.Ordinal);
        }
    }

    /// <summary>An answer after which one has to ask again is asked again, as a scheduler does; it must be rare, and never not later.</summary>
    static void Walk(int rounds, TimeSpan step, int steps)
    {
        int again = 0, changes = 0;
        for (int seed = 0; seed < rounds; seed++)
        {
            var random = new Random(seed);
            var zone = TimeZoneInfo.FindSystemTimeZoneById(Zones[random.Next(Zones.Length)]);
            var any = new RandomConditions(random, step);
            Condition condition = any.Tree(random.Next(4));
            ConditionContext context = any.Context(Now(random, step), zone);
            bool holds = condition.Holds(context);
            Instant? change = condition.NextChange(context), end = context.Now + (step * steps), found = null;
            for (Instant at = context.Now + step; at <= end && found is null; at += step)
            {
                found = condition.HoldsAt(context, at) != holds ? at : null;
            }
            for (Instant asked = context.Now; change <= end && condition.HoldsAt(context, change.Value) == holds; again++)
            {
                Assert.True(change > asked, $"seed {seed}: {condition} answers {change} at {asked}");
                asked = change.Value;
                change = condition.ChangeAfter(context, asked, Search.From(asked));
            }
            changes += found is null ? 0 : 1;
            Assert.True(found == (change > end ? null : change), $"seed {seed}: {condition} in {zone.Id} at {context.Now}, which is {holds}, changes at {found}, not at {change}");
        }
        Assert.InRange(again, 0, rounds / 100);
        Assert.InRange(changes, rounds / 5, rounds);
    }

    /// <summary>Often near a change of the clock.</summary>
    static Instant Now(Random random, TimeSpan step)
    {
        string[] near = ["2025-03-09T07:00:00Z", "2025-03-30T01:00:00Z", "2025-10-26T01:00:00Z", "2025-11-02T06:00:00Z", "2025-04-05T15:00:00Z", "2025-10-04T15:30:00Z", "2025-03-29T22:00:00Z", "2025-02-27T12:00:00Z", "2025-06-30T22:00:00Z"];
        Assert.True(Instant.TryParse(near[random.Next(near.Length)], out Instant at));
        return at - (step * random.Next(-100, 2000));
    }
}
