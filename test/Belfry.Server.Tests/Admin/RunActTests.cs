using System.Net;
using Belfry.Server.Tests.Access;

namespace Belfry.Server.Tests.Admin;

public sealed class RunActTests
{
    [Theory]
    [InlineData("shop")]
    [InlineData("shop|north")]
    public async Task A_run_of_a_source_of_any_name_is_acted_on_or_it_is_said_why_not(string source)
    {
        await using ServerHost server = await ServerHost.StartAsync(guarded: true);
        await server.AppendAsync(new TaskEvent { Source = source, Id = "a|b", Kind = EventKind.Started, At = Instant.Now(TimeProvider.System), Task = "t", Worker = "w" });
        var mara = new Browsing(server);
        await mara.LogInAsync("mara");
        using HttpResponseMessage answer = await mara.SendFormAsync($"/act/revoke?run=a%7Cb&source={Uri.EscapeDataString(source)}", "/act/revoke");
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Contains("only reports here", await answer.Content.ReadAsStringAsync(ServerHost.Cancel), StringComparison.Ordinal);
    }
}
