using System.Collections;
using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Belfry.Server;

/// <summary>Writes keys into settings classes and tells everything that does not fit.</summary>
/// <remarks>The framework's binder stops at the first wrong value and passes over unknown keys unless it may throw for them; operators want the whole list.</remarks>
static class SettingsReader
{
    /// <summary>Reads the keys of a section into the properties of these objects, which share its level.</summary>
    public static IReadOnlyList<SettingProblem> Read(IConfiguration keys, params object[] targets)
    {
        var problems = new List<SettingProblem>();
        ReadInto(keys, targets, problems);
        return problems;
    }

    static void ReadInto(IConfiguration keys, object[] targets, List<SettingProblem> problems)
    {
        foreach (IConfigurationSection section in keys.GetChildren())
        {
            if (Find(targets, section.Key) is ({ } target, { } property))
            {
                Set(target, property, section, section.Value, problems);
            }
            else if (section.Key.EndsWith("File", StringComparison.OrdinalIgnoreCase)
                && Find(targets, section.Key[..^4]) is ({ } owner, { } secret) && secret.PropertyType == typeof(string))
            {
                SetFromFile(owner, secret, section, problems);
            }
            else
            {
                problems.Add(new SettingProblem(section.Path, "is not known; known here are " + string.Join(", ", targets.SelectMany(Writable).Select(known => known.Name).Order())));
            }
        }
    }

    static void SetFromFile(object target, PropertyInfo property, IConfigurationSection section, List<SettingProblem> problems)
    {
        try
        {
            property.SetValue(target, File.ReadAllText(section.Value ?? "").Trim());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            problems.Add(new SettingProblem(section.Path, $"'{section.Value}' cannot be read: {e.Message}"));
        }
    }

    static void Set(object target, PropertyInfo property, IConfigurationSection section, string? value, List<SettingProblem> problems)
    {
        Type type = property.PropertyType;
        bool list = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(List<>);
        bool room = !list && type.IsClass && type != typeof(string);
        if (type == typeof(Dictionary<string, List<string>>))
        {
            property.SetValue(target, ReadMap(section, problems));
        }
        else if (list)
        {
            property.SetValue(target, ReadList(type, section, problems));
        }
        else if (room && string.IsNullOrEmpty(value))
        {
            ReadInto(section, [property.GetValue(target)!], problems);
        }
        else if (room || section.GetChildren().Any())
        {
            problems.Add(new SettingProblem(section.Path, room ? $"is '{value}', and keys are wanted" : "has keys of its own, and one value is wanted"));
        }
        else if (TryConvert(value, type, out object? converted, out string wanted))
        {
            property.SetValue(target, converted);
        }
        else
        {
            problems.Add(new SettingProblem(section.Path, $"is '{value}': {wanted}"));
        }
    }

    /// <summary>A list of texts may also be one text, its parts separated by commas.</summary>
    static IList ReadList(Type type, IConfigurationSection section, List<SettingProblem> problems)
    {
        Type element = type.GenericTypeArguments[0];
        var list = (IList)Activator.CreateInstance(type)!;
        if (!section.GetChildren().Any())
        {
            string[] parts = (section.Value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (element == typeof(string))
            {
                Array.ForEach(parts, part => list.Add(part));
            }
            else if (element.IsEnum)
            {
                Array.ForEach(parts, part => AddConverted(list, element, part, section.Path, problems));
            }
            else if (parts.Length > 0)
            {
                problems.Add(new SettingProblem(section.Path, $"is '{section.Value}', and a list is wanted"));
            }
            return list;
        }
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (element.IsClass && element != typeof(string))
            {
                if (!string.IsNullOrEmpty(child.Value))
                {
                    problems.Add(new SettingProblem(child.Path, $"is '{child.Value}', and keys are wanted"));
                }
                object item = Activator.CreateInstance(element)!;
                list.Add(item);
                ReadInto(child, [item], problems);
            }
            else
            {
                AddConverted(list, element, child.Value, child.Path, problems);
            }
        }
        return list;
    }

    /// <summary>Lists of texts by names of the user's own.</summary>
    static Dictionary<string, List<string>> ReadMap(IConfigurationSection section, List<SettingProblem> problems)
    {
        if (!string.IsNullOrEmpty(section.Value))
        {
            problems.Add(new SettingProblem(section.Path, $"is '{section.Value}', and keys are wanted"));
        }
        return section.GetChildren().ToDictionary(child => child.Key, child => (List<string>)ReadList(typeof(List<string>), child, problems));
    }

    static void AddConverted(IList list, Type element, string? value, string key, List<SettingProblem> problems)
    {
        if (TryConvert(value, element, out object? converted, out string wanted))
        {
            list.Add(converted);
        }
        else
        {
            problems.Add(new SettingProblem(key, $"is '{value}': {wanted}"));
        }
    }

    static bool TryConvert(string? value, Type type, out object? converted, out string wanted)
    {
        Type bare = Nullable.GetUnderlyingType(type) ?? type;
        string text = (value ?? "").Trim();
        wanted = bare.IsEnum ? "use " + string.Join(", ", Enum.GetNames(bare)).ToLowerInvariant()
            : bare == typeof(bool) ? "use true or false"
            : bare == typeof(TimeSpan) ? "use a time such as 90s, 30m, 24h, 7d or 00:01:30"
            : "use a number";
        converted = null;
        if (text.Length == 0 && bare != type)
        {
            return true;
        }
        converted = bare == typeof(string) ? text
            : bare == typeof(int) ? int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int whole) ? whole : null
            : bare == typeof(double) ? double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) ? number : null
            : bare == typeof(bool) ? bool.TryParse(text, out bool yes) ? yes : null
            : bare == typeof(TimeSpan) ? TimeText.TryParse(text, out TimeSpan span) ? span : null
            : bare.IsEnum ? !text.Any(char.IsDigit) && Enum.TryParse(bare, text, ignoreCase: true, out object? named) ? named : null
            : throw new NotSupportedException($"no setting can be a {bare}");
        return converted is not null;
    }

    static (object? Target, PropertyInfo? Property) Find(object[] targets, string name)
    {
        foreach (object target in targets)
        {
            if (Writable(target).FirstOrDefault(property => property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } property)
            {
                return (target, property);
            }
        }
        return (null, null);
    }

    static IEnumerable<PropertyInfo> Writable(object target) =>
        target.GetType().GetProperties().Where(property => property.SetMethod is { IsPublic: true });
}

/// <summary>Reads spans of time as people write them: <c>90s</c>, <c>30 min</c>, <c>24h</c>, <c>7d</c>, <c>00:01:30</c>; a bare number is seconds.</summary>
static class TimeText
{
    public static bool TryParse(string? text, out TimeSpan span)
    {
        string trimmed = (text ?? "").Trim();
        if (trimmed.Contains(':'))
        {
            return TimeSpan.TryParse(trimmed, CultureInfo.InvariantCulture, out span);
        }
        string unit = trimmed.TrimStart([.. "0123456789.+-"]);
        double? seconds = unit.Trim().ToLowerInvariant() switch
        {
            "" or "s" or "sec" => 1, "ms" => 0.001, "m" or "min" => 60, "h" => 3600, "d" => 86400, _ => null,
        };
        span = default;
        if (seconds is null || !double.TryParse(trimmed[..^unit.Length], NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            || Math.Abs(number * seconds.Value) > TimeSpan.MaxValue.TotalSeconds / 2)
        {
            return false;
        }
        span = TimeSpan.FromSeconds(number * seconds.Value);
        return true;
    }
}
