namespace Belfry.Tests.House;

/// <summary>The plan of the house: who may use whom. docs/architecture.md has the same two tables for people.</summary>
static class Plan
{
    /// <summary>Projects of src/, each with those it may refer to.</summary>
    public static IReadOnlyDictionary<string, string[]> Projects { get; } = new Dictionary<string, string[]>
    {
        ["Belfry"] = [],
        ["Belfry.Celery"] = ["Belfry"],
        ["Belfry.Storage"] = ["Belfry"],
        ["Belfry.Mail"] = ["Belfry"],
        ["Belfry.Server"] = ["Belfry", "Belfry.Celery", "Belfry.Mail", "Belfry.Storage"],
        ["Belfry.Cli"] = ["Belfry", "Belfry.Celery", "Belfry.Server", "Belfry.Storage"],
    };

    /// <summary>Rooms of Belfry.Server, in the order of the pipeline, each with those it may use.</summary>
    public static IReadOnlyDictionary<string, string[]> Rooms { get; } = new Dictionary<string, string[]>
    {
        ["Access"] = [],
        ["Sources"] = ["Access"],
        ["Checks"] = [],
        ["Alerts"] = ["Access", "Checks"],
        ["Api"] = ["Access", "Alerts", "Checks", "Sources"],
        ["Admin"] = ["Access", "Alerts", "Checks", "Sources"],
    };

    /// <summary>Lines from which a file is two thoughts.</summary>
    public const int LinesOfAFile = 500;

    /// <summary>Names that say nothing of what is in a folder.</summary>
    public static IReadOnlyList<string> FoldersThatSayNothing { get; } = ["Models", "Services", "Helpers", "Utils", "Common"];
}
