namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Tells that an id was never stored, without asking the disk: a chain of Bloom filters, 16 bits and 5 probes an id, wrong about
/// 1 time in 1,000, and then only slower. Two bytes of memory for each ended run in the store.
/// </summary>
sealed class SeenIds
{
    const int IdsPerFilter = 1 << 20, BitsPerId = 16, Probes = 5;
    readonly List<ulong[]> _filters = [];
    int _inLast = IdsPerFilter;

    public void Add(long bits)
    {
        if (_inLast == IdsPerFilter)
        {
            _filters.Add(new ulong[IdsPerFilter * BitsPerId / 64]);
            _inLast = 0;
        }
        _inLast++;
        ulong[] filter = _filters[^1];
        (uint a, uint b) = Hash(bits);
        for (int i = 0; i < Probes; i++)
        {
            uint bit = (a + ((uint)i * b)) % (IdsPerFilter * BitsPerId);
            filter[bit >> 6] |= 1UL << (int)(bit & 63);
        }
    }

    public bool MayHave(long bits)
    {
        (uint a, uint b) = Hash(bits);
        foreach (ulong[] filter in _filters)
        {
            int i = 0;
            while (i < Probes)
            {
                uint bit = (a + ((uint)i * b)) % (IdsPerFilter * BitsPerId);
                if ((filter[bit >> 6] & (1UL << (int)(bit & 63))) == 0)
                {
                    break;
                }
                i++;
            }
            if (i == Probes)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Ids are mostly random already; mixing helps those that a person numbered.</summary>
    static (uint A, uint B) Hash(long bits)
    {
        ulong mixed = (ulong)bits * 0x9E3779B97F4A7C15;
        mixed ^= mixed >> 29;
        mixed *= 0xBF58476D1CE4E5B9;
        mixed ^= mixed >> 32;
        return ((uint)mixed, (uint)(mixed >> 32) | 1);
    }
}
