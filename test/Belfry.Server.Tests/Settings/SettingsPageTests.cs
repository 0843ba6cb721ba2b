using System.Collections;
using System.Globalization;
using System.Reflection;
using Belfry.Testing;

namespace Belfry.Server.Tests.Settings;

/// <summary>docs/settings.md lists every key, with the default it really has.</summary>
[Trait("row", "120")]
public sealed class SettingsPageTests
{
    static readonly IReadOnlyDictionary<string, string> Page = File.ReadLines(Path.Combine(Machine.Root, "docs", "settings.md"))
        .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
        .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
        .ToDictionary(cells => cells[1].Trim('`'), cells => cells[2].Trim('`'));

    [Fact]
    public void Every_key_is_on_the_page_and_no_other() =>
        Assert.Equal(Keys(new BelfrySettings()).Select(key => key.Name).Order(StringComparer.Ordinal), Page.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void The_page_has_the_defaults_that_count() => Assert.Empty(
        from key in Keys(new BelfrySettings())
        where Page.TryGetValue(key.Name, out string? told) && told != key.Default
        select $"{key.Name} is {key.Default}, and the page says {Page[key.Name]}");

    static IEnumerable<(string Name, string Default)> Keys(BelfrySettings settings) => Keys("", settings).Concat(Keys("", settings.Alerts));

    static IEnumerable<(string Name, string Default)> Keys(string prefix, object target)
    {
        foreach (PropertyInfo property in target.GetType().GetProperties().Where(property => property.SetMethod is { IsPublic: true }))
        {
            object? value = property.GetValue(target);
            IEnumerable<(string, string)> keys = value switch
            {
                IDictionary => [($"{prefix}{property.Name}:NAME", "")],
                IList when property.PropertyType.GenericTypeArguments[0] is { IsClass: true } item && item != typeof(string) =>
                    Keys($"{prefix}{property.Name}:N:", Activator.CreateInstance(item)!),
                IList list => [($"{prefix}{property.Name}", string.Join(',', list.Cast<object>().Select(Written)))],
                { } room when room is not string && room.GetType().IsClass => Keys($"{prefix}{property.Name}:", room),
                _ => [($"{prefix}{property.Name}", Written(value))],
            };
            foreach ((string, string) key in keys)
            {
                yield return key;
            }
        }
    }

    static string Written(object? value) => value switch
    {
        TimeSpan { TotalDays: >= 1 } days => $"{days.TotalDays}d",
        TimeSpan { TotalHours: >= 1 } hours when hours.Ticks % TimeSpan.TicksPerHour == 0 => $"{hours.TotalHours}h",
        TimeSpan { TotalMinutes: > 1 } minutes when minutes.Ticks % TimeSpan.TicksPerMinute == 0 => $"{minutes.TotalMinutes}m",
        TimeSpan span => $"{span.TotalSeconds}s",
        bool or Enum => value.ToString()!.ToLowerInvariant(),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
