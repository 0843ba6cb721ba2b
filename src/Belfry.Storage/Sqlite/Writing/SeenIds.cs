namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Tells that an id was never stored, without asking the disk: Bloom filters of 24 bits and 8 probes an id, each twice as large as the one
/// before, wrong about 1 time in 10,000. That must be seldom: at ten million runs a wrong answer costs a millisecond, a right one nothing.
/// Three to six bytes of memory for each ended run in the store.
/// </summary>
sealed class SeenIds
{
    const int FirstFilter = 1 << 20, BitsPerId = 24, Probes = 8;
    readonly List<Filter> _filters = [];

    public void Add(long bits)
    {
        if (_filters.Count == 0 || _filters[^1].IsFull)
        {
            _filters.Add(new Filter(_filters.Count == 0 ? FirstFilter : _filters[^1].Room * 2));
        }
        _filters[^1].Add(Hash(bits));
    }

    public bool MayHave(long bits)
    {
        (ulong A, ulong B) hash = Hash(bits);
        for (int i = _filters.Count - 1; i >= 0; i--) // the newest is the largest
        {
            if (_filters[i].MayHave(hash))
            {
                return true;
            }
        }
        return false;
    }

    sealed class Filter(int room)
    {
        readonly ulong[] _bits = new ulong[(long)room * BitsPerId / 64];
        int _ids;

        public int Room => room;

        public bool IsFull => _ids == room;

        public void Add((ulong A, ulong B) hash)
        {
            _ids++;
            for (int i = 0; i < Probes; i++)
            {
                ulong bit = BitOf(hash, i);
                _bits[bit >> 6] |= 1UL << (int)(bit & 63);
            }
        }

        public bool MayHave((ulong A, ulong B) hash)
        {
            for (int i = 0; i < Probes; i++)
            {
                ulong bit = BitOf(hash, i);
                if ((_bits[bit >> 6] & (1UL << (int)(bit & 63))) == 0)
                {
                    return false;
                }
            }
            return true;
        }

        ulong BitOf((ulong A, ulong B) hash, int probe) => (hash.A + ((ulong)probe * hash.B)) % ((ulong)room * BitsPerId);
    }

    /// <summary>Ids are mostly random already; mixing helps those that a person numbered.</summary>
    static (ulong A, ulong B) Hash(long bits)
    {
        ulong a = (ulong)bits * 0x9E3779B97F4A7C15;
        a = (a ^ (a >> 29)) * 0xBF58476D1CE4E5B9;
        a ^= a >> 32;
        ulong b = (a ^ 0x94D049BB133111EB) * 0xD6E8FEB86659FD93;
        return (a, (b ^ (b >> 31)) | 1);
    }
}
