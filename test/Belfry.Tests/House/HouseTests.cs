using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Belfry.Testing;

namespace Belfry.Tests.House;

public sealed partial class HouseTests
{
    static readonly string[] Code = [".cs", ".razor"];
    static readonly string[] Written = [".cs", ".razor", ".css", ".js", ".sql", ".sh", ".py"];

    [Fact]
    public void The_page_of_the_architecture_has_the_same_tables()
    {
        Assert.Equal(Plan.Projects, Sorted(Repository.Table("docs/architecture.md", "project")));
        Assert.Equal(Plan.Rooms, Sorted(Repository.Table("docs/architecture.md", "room")));
    }

    [Fact]
    public void Projects_use_only_those_that_the_plan_allows()
    {
        Assert.Empty(
            from file in Repository.Files
            where file.StartsWith("src/", StringComparison.Ordinal) && file.EndsWith(".csproj", StringComparison.Ordinal)
            let project = Path.GetFileNameWithoutExtension(file)
            from used in Included(file, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path))
            where !Plan.Projects.TryGetValue(project, out string[]? allowed) || !allowed.Contains(used)
            select $"{project} → {used}");
    }

    [Fact]
    public void The_words_need_no_package_but_the_host_abstractions() =>
        Assert.Empty(Included("src/Belfry/Belfry.csproj", "PackageReference").Except(["Microsoft.Extensions.Hosting.Abstractions"]));

    [Fact]
    public void Every_package_that_ships_has_its_sentence()
    {
        string page = Repository.Read("docs/dependencies.md");
        Assert.Empty(
            from file in Repository.Files
            where file.StartsWith("src/", StringComparison.Ordinal) && file.EndsWith(".csproj", StringComparison.Ordinal)
            from package in Included(file, "PackageReference")
            where !page.Contains($"| {package} |", StringComparison.Ordinal)
            select package);
        Assert.Empty(
            from file in Repository.Files
            where Path.GetFileName(file) == "package.json"
            from package in JsonDocument.Parse(Repository.Read(file)).RootElement.GetProperty("dependencies").EnumerateObject()
            where !page.Contains($"| {package.Name} |", StringComparison.Ordinal)
            select package.Name);
    }

    [Fact]
    public void Links_between_pages_lead_somewhere()
    {
        Assert.Empty(
            from page in Repository.Files
            where page.EndsWith(".md", StringComparison.Ordinal)
            from Match link in PageLink().Matches(Repository.Read(page))
            let target = link.Groups["target"].Value
            where !target.Contains("://", StringComparison.Ordinal)
            where !Path.Exists(Path.Combine(Machine.Root, Path.GetDirectoryName(page)!, target))
            select $"{target} in {page}");
    }

    [Theory]
    [InlineData("using Belfry.Server.Alerts;", "Alerts")]
    [InlineData("@using Belfry.Server.Alerts.Email", "Alerts")]
    [InlineData("var clock = new Checks.CheckClock();", "Checks")]
    [InlineData("settings.Checks.Count", null)]
    [InlineData("using Belfry.Storage;", null)]
    public void An_arrow_between_rooms_is_seen(string code, string? room) =>
        Assert.Equal(room is null ? [] : [room], RoomsUsed(code));

    [Fact]
    public void Rooms_use_only_those_that_the_plan_allows()
    {
        Assert.Empty(
            from file in RoomFiles()
            from used in RoomsUsed(Repository.ReadCode(file))
            where used != Room(file) && !(Plan.Rooms.GetValueOrDefault(Room(file)) ?? []).Contains(used)
            select $"{Room(file)} → {used} in {file}");
    }

    [Fact]
    public void Rooms_do_not_use_what_stands_above_them_all()
    {
        string[] above = [.. Repository.Files.Where(IsServerRoot).SelectMany(file => TypeNames(Repository.ReadCode(file)))];
        Assert.Empty(
            from file in RoomFiles()
            let words = TypeUsed().Matches(Repository.ReadCode(file)).Select(match => match.Groups["name"].Value).ToHashSet()
            from name in above
            where words.Contains(name)
            select $"{Room(file)} → {name} in {file}");
    }

    [Fact]
    public void A_file_of_a_room_speaks_in_the_name_of_that_room()
    {
        Assert.Empty(
            from file in RoomFiles()
            let declared = Namespace().Match(Repository.ReadCode(file)).Groups["name"].Value
            where declared.Length > 0 && !$"{declared}.".StartsWith($"Belfry.Server.{Room(file)}.", StringComparison.Ordinal)
            select $"{declared} in {file}");
    }

    [Fact]
    public void A_room_that_no_file_names_cannot_be_used() =>
        Assert.DoesNotContain(Repository.Files.Where(IsCode), file => GlobalUsing().IsMatch(Repository.ReadCode(file)));

    [Fact]
    public void A_file_is_one_thought()
    {
        Assert.Empty(
            from file in Repository.Files
            where Written.Contains(Path.GetExtension(file)) || file is "test.sh" or ".ci/run" || file.StartsWith("eng/", StringComparison.Ordinal)
            let lines = Repository.Read(file).Count(character => character == '\n')
            where lines > Plan.LinesOfAFile
            select $"{file} has {lines} lines");
    }

    [Fact]
    public void A_number_in_the_diary_means_one_thing() =>
        Assert.Empty(
            from file in Repository.Files
            where file.StartsWith("src/", StringComparison.Ordinal) && IsCode(file)
            from Match message in DiaryMessage().Matches(Repository.ReadCode(file))
            group file by message.Groups["number"].Value into files
            where files.Count() > 1
            select $"{files.Key} in {string.Join(", ", files)}");

    [Fact]
    public void A_folder_says_what_is_in_it() =>
        Assert.Empty(
            from file in Repository.Files
            from folder in file.Split('/').Intersect(Plan.FoldersThatSayNothing, StringComparer.OrdinalIgnoreCase)
            select $"{folder} in {file}");

    [Fact]
    public void Nothing_points_outside_the_repository()
    {
        // Written in two halves, because this file is one of those looked at.
        string[] outside = ["/wo" + "rk/", "../sha" + "red", "/tm" + "p/i", "/ro" + "ot/"];
        Assert.Empty(
            from file in Repository.Files
            let text = Repository.Read(file)
            from place in outside
            where text.Contains(place, StringComparison.Ordinal)
            select $"{place} in {file}");
        Assert.Empty(
            from file in Repository.Files
            where file.EndsWith("proj", StringComparison.Ordinal) || file.EndsWith(".props", StringComparison.Ordinal)
            from include in Included(file, null).Where(include => include.StartsWith("..", StringComparison.Ordinal))
            where !Path.GetFullPath(Path.Combine(Machine.Root, Path.GetDirectoryName(file)!, include)).StartsWith(Machine.Root + "/", StringComparison.Ordinal)
            select $"{include} in {file}");
        Assert.DoesNotContain(Repository.Files, file => new FileInfo(Path.Combine(Machine.Root, file)).LinkTarget is not null);
    }

    static Dictionary<string, string[]> Sorted(IReadOnlyDictionary<string, string[]> table) =>
        table.ToDictionary(row => row.Key, row => row.Value.Order(StringComparer.Ordinal).ToArray());

    static bool IsCode(string file) => Code.Contains(Path.GetExtension(file));

    static bool IsServerRoot(string file) => IsCode(file) && file.StartsWith("src/Belfry.Server/", StringComparison.Ordinal) && file.Split('/').Length == 3;

    static IEnumerable<string> RoomFiles() =>
        Repository.Files.Where(file => IsCode(file) && file.StartsWith("src/Belfry.Server/", StringComparison.Ordinal) && file.Split('/').Length > 3);

    static string Room(string file) => file.Split('/')[2];

    static IEnumerable<string> Included(string file, string? element) =>
        XDocument.Parse(Repository.Read(file)).Descendants()
            .Where(node => element is null || node.Name.LocalName == element)
            .Select(node => node.Attribute("Include")?.Value)
            .OfType<string>();

    /// <summary>A room is named in full, or, from inside Belfry.Server, by its last name: <c>Checks.CheckClock</c>.</summary>
    static IEnumerable<string> RoomsUsed(string code) =>
        FullName().Matches(code).Concat(LastName().Matches(code)).Select(match => match.Groups["name"].Value).Where(Plan.Rooms.ContainsKey).Distinct();

    static IEnumerable<string> TypeNames(string code) => TypeName().Matches(code).Select(match => match.Groups["name"].Value);

    [GeneratedRegex(@"\bBelfry\.Server\.(?<name>\w+)", RegexOptions.None, 1000)]
    private static partial Regex FullName();

    [GeneratedRegex(@"(?<![\w.])(?<name>\w+)\.[A-Z]\w*", RegexOptions.None, 1000)]
    private static partial Regex LastName();

    [GeneratedRegex(@"^\s*(?:public |sealed |static |abstract |partial |readonly |file )*(?:class|record struct|record|struct|enum|interface) (?<name>\w+)", RegexOptions.Multiline, 1000)]
    private static partial Regex TypeName();

    [GeneratedRegex(@"^@?namespace (?<name>[\w.]+)", RegexOptions.Multiline, 1000)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^global using ", RegexOptions.Multiline, 1000)]
    private static partial Regex GlobalUsing();

    [GeneratedRegex(@"\[LoggerMessage\((?<number>\d+)", RegexOptions.None, 1000)]
    private static partial Regex DiaryMessage();

    [GeneratedRegex(@"\]\((?<target>[^)#]+)\)", RegexOptions.None, 1000)]
    private static partial Regex PageLink();

    // Neither a member nor a call, unless it is made anew.
    [GeneratedRegex(@"(?<![\w.])(?<name>[A-Z]\w*)\b(?!\s*\()|\bnew (?<name>[A-Z]\w*)", RegexOptions.None, 1000)]
    private static partial Regex TypeUsed();
}
