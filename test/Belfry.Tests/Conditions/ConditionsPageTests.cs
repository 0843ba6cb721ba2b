using System.Text.RegularExpressions;
using Belfry.Tests.House;

namespace Belfry.Tests.Conditions;

/// <summary>The page about conditions tells the truth.</summary>
public sealed partial class ConditionsPageTests
{
    [Fact]
    public void Every_text_in_the_table_of_words_is_read_and_prints_as_it_stands()
    {
        string[] texts = [.. Repository.Read("docs/conditions.md").Split('\n')
            .SkipWhile(line => !line.StartsWith("| text |", StringComparison.Ordinal)).Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .SelectMany(line => Quoted().Matches(line.Split('|')[1]).Select(match => match.Groups["text"].Value))];
        Assert.InRange(texts.Length, 25, 40);
        Assert.All(texts, text => Assert.NotNull(Condition.Parse(text)));
        Assert.All(texts.Where(text => !text.Contains(',', StringComparison.Ordinal)), text => Assert.Equal(text, Condition.Parse(text).ToString())); // several tasks print one by one
    }

    [GeneratedRegex("`(?<text>[^`]+)`", RegexOptions.None, 1000)]
    private static partial Regex Quoted();
}
