using System.Runtime.InteropServices;
using Belfry.Storage.Rows;

namespace Belfry.Storage.Sqlite.Writing;

/// <summary>
/// Where each open run has its row: 30 to 60 bytes a run, and nothing for the garbage collector to walk through. It knows ids by 64 bits;
/// whoever reads the row compares the id itself.
/// </summary>
sealed class OpenPlaces
{
    readonly Dictionary<long, long> _places = [];                 // as many as runs are open; Remove empties it
    readonly Dictionary<long, List<long>> _further = [];          // other open attempts of such an id

    /// <summary>The greatest place.</summary>
    public long Last { get; private set; }

    public void SkipTo(long place) => Last = Math.Max(Last, place);

    public void Add(RunKey key, long place)
    {
        Last = Math.Max(Last, place);
        if (!_places.TryAdd(BitsOf(key), place))
        {
            ref List<long>? further = ref CollectionsMarshal.GetValueRefOrAddDefault(_further, BitsOf(key), out _);
            (further ??= []).Add(place);
        }
    }

    public void Remove(RunKey key, long place)
    {
        long bits = BitsOf(key);
        bool hasFurther = _further.TryGetValue(bits, out List<long>? further);
        if (hasFurther && further!.Remove(place))
        {
        }
        else if (hasFurther)
        {
            _places[bits] = further![^1];
            further.RemoveAt(further.Count - 1);
        }
        else
        {
            _places.Remove(bits);
        }
        if (hasFurther && further!.Count == 0)
        {
            _further.Remove(bits);
        }
    }

    /// <summary>An attempt of this id is open.</summary>
    public bool Has(RunKey key) => _places.ContainsKey(BitsOf(key));

    /// <summary>Adds the places that rows of an id may have.</summary>
    public void Find(RunKey key, List<long> places)
    {
        if (_places.TryGetValue(BitsOf(key), out long place))
        {
            places.Add(place);
            if (_further.TryGetValue(BitsOf(key), out List<long>? further))
            {
                places.AddRange(further);
            }
        }
    }

    static long BitsOf(RunKey key) => unchecked((long)((ulong)key.Bits ^ ((ulong)(key.Bits >> 64) * 0x9E3779B97F4A7C15) ^ ((ulong)key.Source * 0xD6E8FEB86659FD93)));
}
