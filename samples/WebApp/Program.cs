using Belfry;
using Belfry.Server;
using Belfry.Storage;
using static Belfry.Conditions;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddBelfry(belfry =>
{
    belfry.UseSqlite("tasks.db");
    belfry.AddTask("count_visits", Every("1 second"), () => WebApp.Visits.Count);

    // The program starts again for each of its runs, but not the web server in it.
    belfry.AddTask("render_report", Every("2 seconds"), (TaskRunContext run) => WebApp.Visits.Render(run), options => options.Execution = Execution.Process);
    belfry.AddTask("crash", Never, () => Environment.FailFast("this process is lost, and only this one"), options => options.Execution = Execution.Process);
});
builder.Services.AddBelfryServer();

WebApplication app = builder.Build();
app.MapGet("/", () => $"Visit {WebApp.Visits.Next()}. The tasks of this application: /belfry");
app.MapPost("/crash", (Scheduler scheduler) => scheduler.RunNowAsync("crash"));
app.MapBelfry("/belfry");
app.Run();

namespace WebApp
{
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
