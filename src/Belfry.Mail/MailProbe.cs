namespace Belfry.Mail;

/// <summary>Tries whether mail could leave, without sending any.</summary>
public static class MailProbe
{
    /// <summary>Talks to the server as far as the login, or writes and deletes a file in the folder.</summary>
    /// <returns>How mail leaves, in a few words.</returns>
    /// <exception cref="MailException">It could not; the message is for an operator.</exception>
    public static async Task<string> TryAsync(MailSettings settings, CancellationToken cancel)
    {
        if (settings.Folder.Length > 0)
        {
            TryFolder(settings.Folder);
            return $"files in {settings.Folder}";
        }
        await using var session = new SmtpSession(settings);
        await session.OpenAsync(cancel);
        await session.CloseAsync(cancel);
        return $"{settings.Host}:{settings.EffectivePort} answers" + (settings.Tls == MailTls.None ? "" : ", protected") + (settings.User.Length > 0 ? $", takes the login of {settings.User}" : "");
    }

    static void TryFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            string file = Path.Combine(folder, $".belfry-{Guid.NewGuid():N}");
            File.WriteAllText(file, "");
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MailException($"{folder} cannot be written: {e.Message}", permanent: true, e);
        }
    }
}
