using System.Diagnostics;

namespace Belfry;

/// <summary>What an exception is in the log.</summary>
static class ErrorText
{
    static readonly string[] Libraries = ["System.", "Microsoft.", "Belfry."];

    /// <summary>Class and message; of one that only carries another, the other's class.</summary>
    public static string Of(Exception error) => error switch
    {
        AggregateException { InnerExceptions: [var only] } => Of(only),
        UnpreparedException { InnerException: { } cause } => $"{ClassOf(cause)}: {error.Message}: {MessageOf(cause)}",
        _ => $"{ClassOf(error)}: {MessageOf(error)}",
    };

    /// <summary>All that it says of itself; of one that cannot even do that, where it was thrown.</summary>
    public static string TraceOf(Exception error)
    {
        try
        {
            return error.ToString();
        }
        catch (Exception)
        {
            return $"{ClassOf(error)}: {MessageOf(error)}\n{new StackTrace(error, fNeedFileInfo: true)}";
        }
    }

    static string MessageOf(Exception error)
    {
        try
        {
            return error.Message;
        }
        catch (Exception)
        {
            return "(its message cannot be read)";
        }
    }

    /// <summary><c>Reports.SendAsync, Reports.cs:12</c>: the innermost frame that is not of a library, else the innermost.</summary>
    public static string? PlaceOf(Exception error)
    {
        Exception cause = error.GetBaseException();
        StackFrame[] frames = new StackTrace(cause, fNeedFileInfo: true).GetFrames();
        StackFrame? frame = Array.Find(frames, IsOwn) ?? frames.FirstOrDefault();
        if (frame is null || DiagnosticMethodInfo.Create(frame) is not { } method)
        {
            return null;
        }
        string place = frame.GetFileName() is { } file ? $", {Path.GetFileName(file)}:{frame.GetFileLineNumber()}" : "";
        return $"{Function(method.DeclaringTypeName, method.Name)}{place}";
    }

    /// <summary>The full name of its class as C# writes it, without type arguments.</summary>
    static string ClassOf(Exception error) => (error.GetType().FullName ?? error.GetType().Name).Split('[')[0].Split('`')[0].Replace('+', '.');

    static bool IsOwn(StackFrame frame) => DiagnosticMethodInfo.Create(frame)?.DeclaringTypeName is { } type && !Array.Exists(Libraries, library => type.StartsWith(library, StringComparison.Ordinal));

    /// <summary>Of what the compiler makes of async methods and lambdas, the name of the method they stand in.</summary>
    static string Function(string? type, string method)
    {
        string[] parts = (type ?? "").Split('+');
        string own = parts.Concat([method]).LastOrDefault(part => part.StartsWith('<') && part.IndexOf('>', StringComparison.Ordinal) > 1) is { } made
            ? made[1..made.IndexOf('>', StringComparison.Ordinal)]
            : method;
        string name = parts[0].Split('.')[^1];
        return name.Length > 0 ? $"{name}.{own}" : own;
    }
}
