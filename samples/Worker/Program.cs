using Belfry;
using Belfry.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Worker;
using static Belfry.Conditions;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Services.AddSingleton<Supplier>().AddSingleton<Archive>();
builder.Services.AddBelfry(belfry =>
{
    belfry.UseSqlite("tasks.db");
    belfry.Configure(builder.Configuration.GetSection("Belfry"));

    // The supplier is down now and then: up to three more tries, each after a longer pause.
    belfry.AddTask("fetch_prices", Every("2 seconds") | Retry(3, TimeSpan.FromMilliseconds(200), backoff: 2), (Supplier supplier) => supplier.FetchAsync());

    // What one task returns the next takes up.
    belfry.AddTask("store_prices", AfterSuccess("fetch_prices"), ([FromReturn("fetch_prices")] List<Price> prices, Archive archive, TaskRunContext run, CancellationToken cancel) =>
        archive.StoreAsync(prices, run, cancel));

    // Heavy work in a process of its own: it can crash or be killed, and harms nobody.
    belfry.AddTask("squeeze_archive", Every("3 seconds"), (Archive archive) => archive.Squeeze(), options =>
    {
        options.Execution = Execution.Process;
        options.Timeout = TimeSpan.FromMinutes(5);
    });

    // As long as the program runs; should it end, it starts again.
    belfry.AddTask("listen", Always, (TaskRunContext run, CancellationToken cancel) => Orders.ListenAsync(run, cancel), options => options.Permanent = true);
    belfry.AddTask("say_goodbye", Never, (Archive archive) => archive.Close(), options => options.OnShutdown = true);

    // Methods that are marked: here nightly_report.
    belfry.AddTasksFromAssembly(typeof(Reports).Assembly);
});
await builder.Build().RunAsync();
