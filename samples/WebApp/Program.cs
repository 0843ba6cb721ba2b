using Belfry;
using Belfry.Server;
using Belfry.Storage;
using WebApp;
using static Belfry.Conditions;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddSingleton<IReports, Reports>();
builder.Services.AddBelfry(belfry =>
{
    belfry.UseSqlite("tasks.db");
    belfry.AddTask("count_visits", Every("1 second"), () => Visits.Count);

    // The program starts again for each of its runs, but not the web server in it.
    belfry.AddTask("render_report", Every("2 seconds"), (TaskRunContext run) => Visits.Render(run), options => options.Execution = Execution.Process);
    belfry.AddTask("crash", Never, () => Environment.FailFast("this process is lost, and only this one"), options => options.Execution = Execution.Process);

    // What is called: now or later, and kept until it is done.
    belfry.AddCalls<IReports>();
});
builder.Services.AddBelfryServer();

WebApplication app = builder.Build();
app.MapGet("/", () => $"Visit {Visits.Next()}. The tasks of this application: /belfry");
app.MapPost("/reports/{month}", (string month, IBelfryClient client) => client.CallAsync<IReports>(reports => reports.SendAsync(month, CancellationToken.None)));
app.MapPost("/crash", (Scheduler scheduler) => scheduler.RunNowAsync("crash"));
app.MapBelfry("/belfry");
app.Run();

namespace WebApp
{
    interface IReports
    {
        Task<string> SendAsync(string month, CancellationToken cancel);
    }

    sealed class Reports : IReports
    {
        public async Task<string> SendAsync(string month, CancellationToken cancel)
        {
            await Task.Delay(100, cancel);
            return $"the report of {month} is sent";
        }
    }

    static class Visits
    {
        static int s_count;

        public static int Count => s_count;

        public static int Next() => Interlocked.Increment(ref s_count);

        public static string Render(TaskRunContext run)
        {
            run.Report(50, $"in process {Environment.ProcessId}");
            return $"rendered by {Environment.ProcessId}";
        }
    }
}
