namespace Belfry.Tests.Words;

public sealed class ExcerptTests
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("", "")]
    [InlineData("four", "four")]
    [InlineData("fives", "fiv…")]
    [InlineData("fi😀s", "fi…")]
    [InlineData("f😀ves", "f😀…")]
    [InlineData("😀😀", "😀😀")]
    [InlineData("😀😀😀", "😀…")]
    public void A_long_text_ends_in_an_ellipsis_and_never_within_a_character(string? text, string? excerpt) => Assert.Equal(excerpt, Excerpt.Of(text, 4));
}
