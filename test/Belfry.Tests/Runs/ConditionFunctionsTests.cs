using Belfry.Tests.Scheduling;
using Microsoft.Extensions.DependencyInjection;
using static Belfry.Conditions;

namespace Belfry.Tests.Runs;

public sealed class ConditionFunctionsTests
{
    [Fact]
    [Trait("row", "34")]
    public async Task A_function_is_called_by_its_name_in_texts_and_its_parameters_are_filled_in()
    {
        var weather = new Weather();
        await using Belltower tower = await Belltower.OpenAsync(belfry =>
        {
            belfry.Services.AddSingleton(weather);
            belfry.Options.Parameters["town"] = "Bergen";
            belfry.AddCondition(When("it rains", (Weather known, TaskDefinition task, string town) => known.Rains($"{task.Name} in {town}"), TimeSpan.FromMilliseconds(20)));
            belfry.AddTask("umbrella", "it rains & !has started", () => { });
            belfry.AddTask("sunscreen", "!it rains", () => { });
        });
        await tower.EndedAsync("sunscreen");
        Assert.Empty(await tower.RunsAsync("umbrella"));
        weather.IsWet = true;
        await tower.EndedAsync("umbrella");
        Assert.Contains("umbrella in Bergen", weather.Asked);
        Assert.Contains("sunscreen in Bergen", weather.Asked);
    }

    [Fact]
    [Trait("row", "34")]
    public void A_function_that_nobody_can_call_is_refused()
    {
        var refused = Assert.Throws<RegistrationException>(() => new ServiceCollection().AddBelfry(belfry =>
        {
            belfry.AddCondition(When("it rains", (ref int drops) => drops > 0));
            belfry.AddTask("umbrella", "when 'it snows'", () => { });
        }));
        Assert.StartsWith("the function 'it rains': ", refused.Problems[0], StringComparison.Ordinal);
        Assert.EndsWith("nobody can fill in its parameter 'drops'", refused.Problems[0], StringComparison.Ordinal);
    }

    sealed class Weather
    {
        readonly HashSet<string> _asked = [];

        public bool IsWet { get; set; }

        public IReadOnlyList<string> Asked
        {
            get
            {
                lock (_asked)
                {
                    return [.. _asked];
                }
            }
        }

        public bool Rains(string where)
        {
            lock (_asked)
            {
                _asked.Add(where);
            }
            return IsWet;
        }
    }
}
