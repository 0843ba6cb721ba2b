namespace Belfry.Storage.Sqlite.Writing;

/// <summary>What the log does not show of a waiting call's arguments, because secrets are hidden and long texts cut; gone with the call.</summary>
static class CallArgs
{
    public static List<long> Places(Database database)
    {
        var places = new List<long>();
        using Statement read = database.PrepareOnce("SELECT place FROM call_args");
        while (read.Step())
        {
            places.Add(read.Int64(0));
        }
        return places;
    }

    public static void Put(Database database, long place, string? args, string? kwargs) =>
        database.Prepare("INSERT OR REPLACE INTO call_args(place, args, kwargs) VALUES(?, ?, ?)").Bind(1, place).Bind(2, args).Bind(3, kwargs).Run();

    public static (string? Args, string? Kwargs)? Read(Database database, long place)
    {
        Statement read = database.Prepare("SELECT args, kwargs FROM call_args WHERE place = ?");
        (string?, string?)? args = read.Bind(1, place).Step() ? (read.Text(0), read.Text(1)) : null;
        read.Reset();
        return args;
    }

    public static void Delete(Database database, long place) => database.Prepare("DELETE FROM call_args WHERE place = ?").Bind(1, place).Run();
}
