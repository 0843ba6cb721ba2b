using System.Net.Http.Headers;

namespace Belfry.Testing;

/// <summary>The built <c>belfry</c>, run as its users run it.</summary>
/// <remarks>A test project that uses it lets the command be built first: a ProjectReference to Belfry.Cli with <c>ReferenceOutputAssembly="false"</c>.</remarks>
public sealed class BelfryProcess : IAsyncDisposable
{
    BelfryProcess(ChildProcess process, Uri address, HttpClient http) => (Process, Address, Http) = (process, address, http);

    /// <summary>The program.</summary>
    public static string Command { get; } = Path.Combine(
        Machine.Root, "src", "Belfry.Cli", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", "belfry");

    /// <summary>The process.</summary>
    public ChildProcess Process { get; }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>A client of its API.</summary>
    public HttpClient Http { get; }

    /// <summary>Runs a verb to its end.</summary>
    public static Task<Finished> RunAsync(
        IEnumerable<string> arguments, string? folder = null, IReadOnlyDictionary<string, string?>? environment = null, string? input = null) =>
        ChildProcess.RunAsync(Command, arguments, folder, environment, input);

    /// <summary>Adds a token to a store, which is made where there is none yet.</summary>
    /// <param name="folder">Where the command works.</param>
    /// <param name="options">Which store, and what the token may do.</param>
    public static async Task<string> NewTokenAsync(string folder, params string[] options)
    {
        Finished made = await RunAsync(["token", "add", "tests", .. options], folder);
        return made.Code == 0 ? made.Output.Trim() : throw new InvalidOperationException(made.Errors);
    }

    /// <summary>Starts <c>belfry serve</c> on a free port and waits until it listens.</summary>
    /// <param name="arguments">What follows <c>serve</c>; <c>--urls</c> is added.</param>
    /// <param name="folder">Where it works.</param>
    /// <param name="token">A bearer token for <see cref="Http"/>.</param>
    /// <param name="environment">Variables to set.</param>
    /// <param name="port">Its port; a free one by default.</param>
    public static async Task<BelfryProcess> ServeAsync(
        IEnumerable<string> arguments, string folder, string? token = null, IReadOnlyDictionary<string, string?>? environment = null, int? port = null)
    {
        var address = new Uri($"http://127.0.0.1:{port ?? Machine.FreePort()}");
        var process = ChildProcess.Start(Command, ["serve", .. arguments, "--urls", address.ToString()], folder, environment);
        var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = address };
        if (token is not null)
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
        var server = new BelfryProcess(process, address, http);
        await server.UntilAliveAsync();
        return server;
    }

    /// <summary>Asks it to stop, and tells the exit code.</summary>
    public Task<int> StopAsync()
    {
        Process.Signal(15);
        return Process.ExitAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Process.DisposeAsync();
    }

    Task UntilAliveAsync() => Eventually.HoldsAsync("belfry serve listens", async () =>
    {
        if (Process.HasExited)
        {
            throw new InvalidOperationException("belfry serve ended: " + Process.Story());
        }
        try
        {
            using HttpResponseMessage answer = await Http.GetAsync(new Uri("/health/live", UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    });
}
