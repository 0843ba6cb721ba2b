using Belfry.Tests.House;

namespace Belfry.Tests.Tasks;

public sealed class LibraryPageTests
{
    [Fact]
    [Trait("row", "66")]
    public void The_page_of_the_library_has_every_key_of_the_configuration() =>
        Assert.Equal([.. OptionsReader.Keys, "Parameters:NAME", "QueueLimits:NAME"], Repository.Table("docs/library.md", "key").Keys.ToHashSet());
}
