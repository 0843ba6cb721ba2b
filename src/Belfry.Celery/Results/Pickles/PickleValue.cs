namespace Belfry.Celery.Results.Pickles;

/// <summary>A value out of a pickle. None, bool, int, long, float, str, bytes, list, tuple, dict and set are what they are; all else is only a name.</summary>
abstract record PickleValue
{
    /// <summary><c>None</c>.</summary>
    public sealed record None : PickleValue
    {
        public static None It { get; } = new();
    }

    /// <summary>A bool, a number, a str or bytes, as .NET has it: <see cref="bool"/>, <see cref="System.Numerics.BigInteger"/>, <see cref="double"/>, <see cref="string"/>, <c>byte[]</c>.</summary>
    public sealed record Scalar(object Value) : PickleValue;

    /// <summary>A list, a tuple or a set, which may still grow while the pickle is read.</summary>
    public sealed record Many(List<PickleValue> Items) : PickleValue;

    /// <summary>A dict.</summary>
    public sealed record Dict(List<(PickleValue Key, PickleValue Value)> Items) : PickleValue;

    /// <summary>A class or function that the pickle names. It is never looked for.</summary>
    public sealed record Named(string Name) : PickleValue;

    /// <summary>What Python would build by calling something named with these arguments. It is never built.</summary>
    public sealed record Unbuilt(string Name, PickleValue Arguments) : PickleValue;
}

/// <summary>The pickle cannot be read; the message says why, in the words of a count.</summary>
sealed class PickleException(string message) : Exception(message);
