using System.Text;

namespace Belfry.Mail;

/// <summary>Writes mails as <c>.eml</c> files, which mail programs open.</summary>
/// <remarks>
/// The envelope stands above the headers as <c>X-Sender</c> and <c>X-Receiver</c>, the convention of pickup folders: a mail server that
/// takes the files sends by them and strips them. Without them nobody could tell whom a blind copy was for.
/// </remarks>
static class MailFolder
{
    public static async Task<MailReceipt> PutAsync(string folder, string name, Mailbox from, IReadOnlyList<Mailbox> to, byte[] mail, CancellationToken cancel)
    {
        string envelope = string.Concat(to.Select(box => $"X-Receiver: {box.Address}\r\n").Prepend($"X-Sender: {from.Address}\r\n"));
        string path = Path.Combine(folder, name);
        try
        {
            Directory.CreateDirectory(folder);
            // Whoever watches the folder never sees half a mail.
            await File.WriteAllBytesAsync(path + ".tmp", [.. Encoding.UTF8.GetBytes(envelope), .. mail], cancel);
            File.Move(path + ".tmp", path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MailException($"{path} cannot be written: {e.Message} (Mail:Folder)", permanent: false, e);
        }
        return new MailReceipt([.. to.Select(box => box.Address)], []);
    }
}
