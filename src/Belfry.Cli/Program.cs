using System.CommandLine;
using System.CommandLine.Help;
using Belfry.Cli;

// No RootCommand: that one calls itself what the assembly is called.
var root = new Command("belfry", "Belfry logs every run of every task, and rings when one that should have run did not.")
{
    new HelpOption(),
    new VersionOption(),
    Common.Config,
    Common.Store,
    // One verb, one file: a static class with a method Build that makes its Verb.
    ServeVerb.Build(),
    InitVerb.Build(),
    UserVerb.Build(),
    TokenVerb.Build(),
    AuditVerb.Build(),
    MonitorVerbs.Build(),
    DoctorVerb.Build(),
    InspectVerb.Build(),
    WorkerVerbs.BuildControl(),
    ClusterVerbs.BuildGraph(),
    QueueVerbs.Build(),
    PurgeVerb.Build(),
    CallVerb.Build(),
    ResultVerb.Build(),
    TasksVerb.Build(),
    ForecastVerbs.BuildWhy(),
    ForecastVerbs.BuildNext(),
    BackupVerb.Build(),
    MigrateVerb.Build(),
};
return await Verb.InvokeAsync(root, args);
