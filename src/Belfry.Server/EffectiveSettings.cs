using System.Collections;
using System.Globalization;
using System.Reflection;
using Belfry.Celery;
using Belfry.Server.Sources;
using Belfry.Storage;
using Belfry.Storage.Payloads;

namespace Belfry.Server;

/// <summary>The settings that count, whatever file, variable or option they came from, and none of their secrets.</summary>
static class EffectiveSettings
{
    // Whatever the masks of the user's own are.
    static readonly SecretMask Secrets = new(SecretMask.DefaultKeys);

    /// <summary>All of them by key, as a file would have them.</summary>
    public static IReadOnlyList<(string Key, string Value)> Of(BelfrySettings settings) => [.. Of("", settings), .. Of("", settings.Alerts)];

    static IEnumerable<(string Key, string Value)> Of(string prefix, object room) =>
        room.GetType().GetProperties().Where(property => property.SetMethod is { IsPublic: true }).SelectMany(property => Of(prefix + property.Name, property, room));

    static IEnumerable<(string Key, string Value)> Of(string key, PropertyInfo property, object room) => property.GetValue(room) switch
    {
        string text => [(key, Shown(property, room, text))],
        IDictionary map => map.Keys.Cast<string>().Select(name => ($"{key}:{name}", Written(map[name]))),
        IList list when property.PropertyType.GenericTypeArguments[0] is { IsClass: true } item && item != typeof(string) =>
            list.Cast<object>().SelectMany((one, place) => Of($"{key}:{place}:", one)),
        { } inner when inner is not IList && inner.GetType().IsClass => Of($"{key}:", inner),
        var value => [(key, Written(value))],
    };

    static string Shown(PropertyInfo property, object room, string text) => (room, property.Name) switch
    {
        (_, _) when text.Length == 0 => "",
        (BelfrySettings, nameof(BelfrySettings.Store)) => StoreUrl.Parse(text).ToString(),
        (SourceSettings, nameof(SourceSettings.Broker)) => BrokerUrl.Parse(text).ToString(),
        (SourceSettings, nameof(SourceSettings.ResultBackend)) => Secrets.Apply(WithoutLogin(text))!,
        (_, var name) when name.EndsWith("Password", StringComparison.Ordinal) || name.EndsWith("Secret", StringComparison.Ordinal) => SecretMask.Hidden,
        _ => Secrets.Apply(text)!,
    };

    /// <summary>A password may hold what ends an authority elsewhere: whatever stands before the last @ goes.</summary>
    static string WithoutLogin(string url) =>
        url.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme && url.LastIndexOf('@') is var host && host > scheme ? $"{url[..(scheme + 3)]}***{url[host..]}" : url;

    static string Written(object? value) => value switch
    {
        IList list => string.Join(',', list.Cast<object>().Select(Written)),
        TimeSpan { TotalDays: >= 1 } days => string.Create(CultureInfo.InvariantCulture, $"{days.TotalDays}d"),
        TimeSpan { TotalHours: >= 1 } hours when hours.Ticks % TimeSpan.TicksPerHour == 0 => $"{hours.TotalHours}h",
        TimeSpan { TotalMinutes: > 1 } minutes when minutes.Ticks % TimeSpan.TicksPerMinute == 0 => $"{minutes.TotalMinutes}m",
        TimeSpan span => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds}s"),
        bool or Enum => value.ToString()!.ToLowerInvariant(),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
