namespace Belfry.Storage.Sqlite.Rows;

/// <summary>Places of open runs in few bytes: claimed calls mostly lie side by side.</summary>
static class PlaceRanges
{
    /// <summary>Writes places that are sorted.</summary>
    public static byte[] Write(IReadOnlyList<long> places)
    {
        var bytes = new List<byte>(16);
        long last = 0;
        for (int from = 0, to; from < places.Count; from = to)
        {
            to = from + 1;
            while (to < places.Count && places[to] == places[to - 1] + 1)
            {
                to++;
            }
            Write(bytes, places[from] - last);
            Write(bytes, to - from);
            last = places[to - 1];
        }
        return [.. bytes];
    }

    /// <summary>Reads them.</summary>
    public static List<long> Read(ReadOnlySpan<byte> bytes)
    {
        var places = new List<long>();
        long last = 0;
        while (!bytes.IsEmpty)
        {
            long place = last + Read(ref bytes), count = Read(ref bytes);
            for (long i = 0; i < count; i++)
            {
                places.Add(place + i);
            }
            last = place + count - 1;
        }
        return places;
    }

    static void Write(List<byte> bytes, long number)
    {
        for (; number >= 0x80; number >>= 7)
        {
            bytes.Add((byte)(number | 0x80));
        }
        bytes.Add((byte)number);
    }

    static long Read(ref ReadOnlySpan<byte> bytes)
    {
        long number = 0;
        int at = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = bytes[at++];
            number |= (long)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                bytes = bytes[at..];
                return number;
            }
        }
    }
}
