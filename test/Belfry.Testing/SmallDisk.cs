namespace Belfry.Testing;

/// <summary>A file system of a few megabytes in memory, which can be filled to the last byte.</summary>
public sealed class SmallDisk : IAsyncDisposable
{
    readonly TempFolder _folder = new();

    SmallDisk()
    {
    }

    /// <summary>Mounts one; only root can.</summary>
    public static async Task<SmallDisk> MountAsync(int megabytes)
    {
        var disk = new SmallDisk();
        Finished mount = await ChildProcess.RunAsync("mount", ["-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", disk._folder.Path]);
        return mount.Code == 0 ? disk : throw new InvalidOperationException(mount.Errors);
    }

    /// <summary>The path of a file on it.</summary>
    public string File(string name) => _folder.File(name);

    /// <summary>Takes all the space that is left.</summary>
    public void Fill()
    {
        using FileStream ballast = System.IO.File.Create(File("ballast"));
        var page = new byte[4096];
        try
        {
            while (true)
            {
                ballast.Write(page);
                ballast.Flush();
            }
        }
        catch (IOException)
        {
            // Now it is full.
        }
    }

    /// <summary>Gives the space back.</summary>
    public void Empty() => System.IO.File.Delete(File("ballast"));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await ChildProcess.RunAsync("umount", ["-l", _folder.Path]);
        _folder.Dispose();
    }
}
