namespace Belfry.Storage.Tests;

/// <summary>A folder of its own with a SQLite store in it.</summary>
sealed class LogFolder : LogStore
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("belfry-storage-").FullName;

    public override StoreUrl Url => StoreUrl.Parse($"sqlite://{File}");

    public string File => Path.Combine(Folder, "log.db");

    public override async Task<int> CountOfAsync(byte[] bytes)
    {
        byte[] file = await System.IO.File.ReadAllBytesAsync(File, TestContext.Current.CancellationToken);
        int found = 0;
        for (int at = file.AsSpan().IndexOf(bytes); at >= 0; found++)
        {
            int next = file.AsSpan(at + 1).IndexOf(bytes);
            at = next < 0 ? next : at + 1 + next;
        }
        return found;
    }

    public override Task ExecuteAsync(string sql)
    {
        using Sqlite.Database database = Sqlite.Database.Open(File, create: false);
        database.Execute(sql);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
