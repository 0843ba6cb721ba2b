using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Tells without asking the disk in which segments of keys an id may stand: of one that was never stored mostly in none, of any other in those of one
/// filter. They are Bloom filters of 32 bits an id, of which fourteen are looked at, all in one line of the processor's cache; about 1 answer in 200,000 of
/// each is wrong. That must be seldom: a wrong one asks some thirty segments, and so the disk. Four to five bytes of memory for each ended run in the store.
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
        newest.Add(IdHash.Of(bits), segment);
    }

    /// <summary>False for an id that was never added.</summary>
    public bool MayHave(long bits)
    {
        var hash = IdHash.Of(bits);
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
        var hash = IdHash.Of(bits);
        Filter[] having = [.. _filters.Where(filter => filter.MayHave(hash))];
        return [.. segments.Where(segment => segment >= complete || having.Any(filter => filter.Covers(segment)))];
    }

    /// <summary>
    /// The filters of a large log are larger than any cache: each look waits for memory. Where all bits of an id are compared at once, there is no guessing
    /// after each of them, and the processor asks for the lines of all filters together.
    /// </summary>
    sealed class Filter
    {
        const int BytesOfLine = IdHash.LongsOfLine * sizeof(ulong);
        readonly int _room, _first, _lines; // the first line begins where a line of the cache does
        readonly ulong[] _bits;
        readonly long _from;
        int _ids;
        long _to; // from the first Add on

        public Filter(int room, long from)
        {
            (_room, _from, _lines) = (room, from, room / 2 / IdHash.LongsOfLine);
            _bits = GC.AllocateArray<ulong>((_lines + 1) * IdHash.LongsOfLine, pinned: true);
            _first = (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(_bits, 0) & (BytesOfLine - 1)) / sizeof(ulong);
        }

        public bool IsFull => _ids == _room;

        public bool Covers(long segment) => segment >= _from && segment <= Interlocked.Read(ref _to);

        public void Add(in IdHash hash, long segment)
        {
            _ids++;
            Interlocked.Exchange(ref _to, segment);
            Span<ulong> line = LineOf(hash);
            (Vector512.Create<ulong>(line) | hash.Bits).CopyTo(line);
        }

        public bool MayHave(in IdHash hash) => Vector512.AndNot(hash.Bits, Vector512.Create<ulong>(LineOf(hash))) == Vector512<ulong>.Zero;

        Span<ulong> LineOf(in IdHash hash) => _bits.AsSpan(_first + ((int)Math.BigMul(hash.Line, (ulong)_lines, out _) * IdHash.LongsOfLine), IdHash.LongsOfLine);
    }

    /// <summary>What is looked for: in which line, of any number of them, and which of its bits.</summary>
    readonly record struct IdHash(ulong Line, Vector512<ulong> Bits)
    {
        public const int LongsOfLine = 8;
        const int Probes = 14, ProbesOfNumber = 7, BitsOfPlace = 9;

        /// <summary>Ids are mostly random already; mixing helps those that a person numbered.</summary>
        public static IdHash Of(long id)
        {
            ulong line = (ulong)id * 0x9E3779B97F4A7C15;
            line = (line ^ (line >> 29)) * 0xBF58476D1CE4E5B9;
            line ^= line >> 32;
            Span<ulong> bits = stackalloc ulong[LongsOfLine];
            ulong places = line;
            for (int i = 0; i < Probes; i++, places >>= BitsOfPlace)
            {
                if (i % ProbesOfNumber == 0)
                {
                    places = (line ^ (0x94D049BB133111EB >> i)) * 0xD6E8FEB86659FD93;
                    places ^= places >> 31;
                }
                bits[(int)(places >> 6) & (LongsOfLine - 1)] |= 1UL << (int)places;
            }
            return new IdHash(line, Vector512.Create<ulong>(bits));
        }
    }
}
