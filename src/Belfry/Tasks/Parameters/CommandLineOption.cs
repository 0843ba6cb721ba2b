namespace Belfry;

/// <summary>Finds an option among the arguments of a program. Pure.</summary>
static class CommandLineOption
{
    /// <summary>Its value; <c>true</c> where another option or the end follows; null where it is not given. Of several the last counts.</summary>
    public static string? Find(string option, IReadOnlyList<string> arguments)
    {
        string? found = null;
        for (int i = 0; i < arguments.Count; i++)
        {
            bool hasValue = i + 1 < arguments.Count && (!arguments[i + 1].StartsWith('-') || arguments[i + 1] is ['-', >= '0' and <= '9', ..]); // -5 is no option
            found = arguments[i] == option ? hasValue ? arguments[i + 1] : "true"
                : arguments[i].StartsWith(option + "=", StringComparison.Ordinal) ? arguments[i][(option.Length + 1)..]
                : found;
        }
        return found;
    }
}
