using System.Text;
using Belfry.Server.Access;

namespace Belfry.Cli;

/// <summary>Asks for a password: never an option, because others on the machine see the line.</summary>
static class PasswordPrompt
{
    /// <summary>A new password: from a file, from stdin, or typed twice without being shown.</summary>
    /// <exception cref="UsageException">It is too short, or the two are not the same.</exception>
    public static async Task<string> NewAsync(string? file, string name, CancellationToken cancel)
    {
        string password = await ReadAsync(file, cancel);
        return Passwords.ProblemOf(password, name) is { } problem ? throw new UsageException(problem) : password;
    }

    static async Task<string> ReadAsync(string? file, CancellationToken cancel)
    {
        if (file is not null)
        {
            return (await LinesAsync(file, cancel)).FirstOrDefault("");
        }
        if (Console.IsInputRedirected)
        {
            return await Confirmation.TypedAsync(Console.In.ReadLine, cancel) ?? "";
        }
        string password = await Confirmation.TypedAsync(() => Ask("Password: "), cancel);
        return await Confirmation.TypedAsync(() => Ask("Once more: "), cancel) == password ? password : throw new UsageException("the two are not the same");
    }

    static async Task<string[]> LinesAsync(string file, CancellationToken cancel)
    {
        try
        {
            return await File.ReadAllLinesAsync(file, cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--password-file cannot be read: {e.Message}");
        }
    }

    /// <summary>Reads a line without showing it.</summary>
    static string Ask(string prompt)
    {
        Console.Error.Write(prompt);
        var typed = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                typed.Length = Math.Max(0, typed.Length - 1);
            }
            else if (!char.IsControl(key.KeyChar))
            {
                typed.Append(key.KeyChar);
            }
        }
        Console.Error.WriteLine();
        return typed.ToString();
    }
}
