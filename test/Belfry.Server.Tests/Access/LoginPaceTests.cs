using Belfry.Server.Access;
using Belfry.Testing;

namespace Belfry.Server.Tests.Access;

public sealed class LoginPaceTests
{
    readonly ManualClock _clock = new(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Five_wrong_passwords_for_a_name_and_it_waits_for_half_a_minute_but_only_from_there()
    {
        var pace = new LoginPace(new AccessSettings(), _clock);
        Assert.All(Enumerable.Range(0, 5), _ => Assert.True(May(pace, "mara", "192.0.2.1", null)));
        Assert.False(May(pace, "mara", "192.0.2.1", null));
        Assert.True(May(pace, "ines", "192.0.2.1", null));
        Assert.True(May(pace, "mara", "192.0.2.2", null));
        _clock.Advance(TimeSpan.FromSeconds(31));
        Assert.True(May(pace, "mara", "192.0.2.1", null));
        Assert.False(May(pace, "mara", "192.0.2.1", null));
    }

    [Fact]
    public void An_address_that_tries_many_names_waits()
    {
        var pace = new LoginPace(new AccessSettings(), _clock);
        Assert.Equal(10, Enumerable.Range(0, 50).Count(i => May(pace, $"name {i}", "192.0.2.1", null)));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(10, Enumerable.Range(0, 50).Count(i => May(pace, $"other {i}", "192.0.2.1", null)));
    }

    [Fact]
    public void Addresses_without_number_get_a_few_hashes_a_second_in_all_and_a_device_that_logged_in_before_does_not_notice()
    {
        var pace = new LoginPace(new AccessSettings(), _clock);
        int hashed = 0;
        for (int second = 0; second < 60; second++)
        {
            hashed += Enumerable.Range(0, 1000).Count(i => May(pace, "mara", $"{second}.{i}", null));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.InRange(hashed, 1, 60 + (60 * 6) + 20 + (60 * 2));
        Assert.True(May(pace, "mara", "192.0.2.1", "a device of hers"));
        Assert.Equal(9, Enumerable.Range(0, 50).Count(_ => May(pace, "mara", "192.0.2.1", "a device of hers")));
        pace.Passed("mara", "192.0.2.1", "a device of hers");
        Assert.True(May(pace, "mara", "192.0.2.1", "a device of hers"));
    }

    [Fact]
    public void A_hundred_addresses_that_guess_do_not_hold_up_who_comes_from_another()
    {
        var pace = new LoginPace(new AccessSettings(), _clock);
        for (int second = 0; second < 60; second++)
        {
            foreach (int address in Enumerable.Range(0, 100))
            {
                May(pace, "mara", $"198.51.100.{address}", null);
            }
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.True(May(pace, "mara", "192.0.2.1", null));
    }

    [Fact]
    public void Who_is_refused_before_a_password_was_looked_at_has_spent_nothing()
    {
        var pace = new LoginPace(new AccessSettings(), _clock);
        Assert.All(Enumerable.Range(0, 100), _ => pace.Ask("mara", "192.0.2.1", null)!.GiveBack());
        Assert.Equal(5, Enumerable.Range(0, 100).Count(_ => May(pace, "mara", "192.0.2.1", null)));
    }

    [Fact]
    public void What_is_remembered_is_bounded_and_the_rest_share_one_allowance()
    {
        var allowance = new Allowance(2, TimeSpan.FromSeconds(1), _clock, most: 100);
        Assert.Equal(102, Enumerable.Range(0, 5000).Count(i => allowance.TryTake($"{i}")));
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True(allowance.TryTake("newcomer"));
    }

    static bool May(LoginPace pace, string name, string address, string? device) => pace.Ask(name, address, device) is not null;
}
