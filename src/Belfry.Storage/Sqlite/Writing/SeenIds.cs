namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Tells without asking the disk in which segments of keys an id may stand: of one that was never stored mostly in none, of any other in those of one
/// filter. They are Bloom filters of 32 bits an id, of which seven are looked at, all in one stretch of 64 bytes; about 1 answer in 20,000 of each is wrong.
/// That must be seldom: a wrong one asks some thirty segments, and so the disk. Four to five bytes of memory for each ended run in the store.
/// </summary>
/// <remarks>One thread adds, any may ask: bits are only ever set, and before the commit that lets others see what they stand for.</remarks>
sealed class SeenIds
{
    const int FirstFilter = 1 << 20, FiltersOfASize = 8; // eight of a million ids, eight of two million, and so on: few segments each, and few filters
    volatile Filter[] _filters = [];
    long _sealed = long.MinValue;

    /// <summary>Below this segment all keys have been added.</summary>
    public long Sealed
    {
        get => Interlocked.Read(ref _sealed);
        set => Interlocked.Exchange(ref _sealed, value);
    }

    /// <summary>Adds the bits of an id that stands, or will stand, in a segment not lower than those before.</summary>
    public void Add(long bits, long segment)
    {
        Filter[] filters = _filters;
        if (filters is not [.., { IsFull: false } newest])
        {
            newest = new Filter(FirstFilter << (filters.Length / FiltersOfASize), segment);
            _filters = [.. filters, newest];
        }
        newest.Add(Hash(bits), segment);
    }

    /// <summary>False for an id that was never added.</summary>
    public bool MayHave(long bits)
    {
        (ulong Line, ulong Bits) hash = Hash(bits);
        foreach (Filter filter in _filters)
        {
            if (filter.MayHave(hash))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Of some segments those that may have a key with these bits; what another process may have added to, is always among them.</summary>
    public List<long> Among(IReadOnlyList<long> segments, long bits)
    {
        long complete = Sealed;
        (ulong Line, ulong Bits) hash = Hash(bits);
        Filter[] having = [.. _filters.Where(filter => filter.MayHave(hash))];
        return [.. segments.Where(segment => segment >= complete || having.Any(filter => filter.Covers(segment)))];
    }

    sealed class Filter(int room, long from)
    {
        const int Probes = 7, LongsOfLine = 8, BitsOfPlace = 9;
        readonly ulong[] _bits = new ulong[room / 2];
        int _ids;
        long _to; // from the first Add on

        public bool IsFull => _ids == room;

        public bool Covers(long segment) => segment >= from && segment <= Interlocked.Read(ref _to);

        public void Add((ulong Line, ulong Bits) hash, long segment)
        {
            _ids++;
            Interlocked.Exchange(ref _to, segment);
            Span<ulong> line = LineOf(hash.Line);
            for (int i = 0; i < Probes; i++)
            {
                int bit = (int)(hash.Bits >> (i * BitsOfPlace));
                line[(bit >> 6) & (LongsOfLine - 1)] |= 1UL << (bit & 63);
            }
        }

        public bool MayHave((ulong Line, ulong Bits) hash)
        {
            Span<ulong> line = LineOf(hash.Line);
            for (int i = 0; i < Probes; i++)
            {
                int bit = (int)(hash.Bits >> (i * BitsOfPlace));
                if ((line[(bit >> 6) & (LongsOfLine - 1)] & (1UL << (bit & 63))) == 0)
                {
                    return false;
                }
            }
            return true;
        }

        Span<ulong> LineOf(ulong hash) => _bits.AsSpan((int)Math.BigMul(hash, (ulong)_bits.Length / LongsOfLine, out _) * LongsOfLine, LongsOfLine);
    }

    /// <summary>Ids are mostly random already; mixing helps those that a person numbered.</summary>
    static (ulong Line, ulong Bits) Hash(long bits)
    {
        ulong a = (ulong)bits * 0x9E3779B97F4A7C15;
        a = (a ^ (a >> 29)) * 0xBF58476D1CE4E5B9;
        a ^= a >> 32;
        ulong b = (a ^ 0x94D049BB133111EB) * 0xD6E8FEB86659FD93;
        return (a, b ^ (b >> 31));
    }
}
