using Microsoft.Extensions.DependencyInjection;

namespace Belfry.Storage.Tests;

public sealed class StoreUrlTests
{
    [Theory]
    [InlineData("postgresql://ann:pass@db:5433/app", "postgresql://ann@db:5433/app")]
    [InlineData("Host=db;Port=5433;Database=app;Username=ann;Password=pass", "postgresql://ann@db:5433/app")]
    [InlineData("Host=db;Password=a://b;Database=app", "postgresql://db:5432/app")]
    [InlineData("server=db;database=app", "postgresql://db:5432/app")]
    [InlineData("sqlite://a.db", "sqlite://a.db")]
    [InlineData("csv://runs", "csv://runs")]
    [InlineData("memory:", "memory:")]
    public void A_store_is_named_by_its_url_or_as_applications_name_PostgreSQL_and_no_password_is_shown(string text, string shown) =>
        Assert.Equal(shown, StoreUrl.Parse(text).ToString());

    [Theory]
    [InlineData("Host=db;Username=ann;Password=hush", "names no database")]
    [InlineData("Host=db;Database=app;Pasword=hush", "connection string is not understood")]
    [InlineData("mysql://db/app", "is not a store")]
    public void What_names_no_store_is_refused_without_its_password(string text, string why)
    {
        FormatException refused = Assert.Throws<FormatException>(() => StoreUrl.Parse(text));
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_string_is_no_path()
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(() => new ServiceCollection().AddBelfry(belfry => belfry.UseSqlite("Data Source=app.db; Cache=Shared")));
        Assert.Contains("UseSqlite(\"app.db\")", refused.Message, StringComparison.Ordinal);
    }
}
