using System.Globalization;

namespace Belfry;

/// <summary>Lines on disk, in files of some megabytes: written at the end, read from where was sent to. It outlives the process, not a power cut.</summary>
/// <remarks>Not safe for several threads, except that one may write while another reads.</remarks>
sealed class Spool : IDisposable
{
    const long BytesOfFile = 4 * 1024 * 1024;
    const int Bytes = 64 * 1024;

    readonly string _folder;
    readonly long _mostBytes;
    readonly FileStream _claim;
    readonly SortedDictionary<long, long> _files = []; // number -> length; bounded by _mostBytes, emptied by Forget
    readonly Lock _lock = new();
    FileStream? _newest;

    Spool(string folder, long mostBytes, FileStream claim)
    {
        (_folder, _mostBytes, _claim) = (folder, mostBytes, claim);
        foreach (string file in Directory.GetFiles(folder, "events-*.jsonl"))
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(file)[7..], NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                _files[number] = WholeLines(file);
            }
        }
        Sent = ReadSent();
    }

    /// <summary>Up to here the server has it.</summary>
    public SpoolPlace Sent { get; private set; }

    /// <summary>Bytes that were not sent yet.</summary>
    public long Waiting
    {
        get
        {
            lock (_lock)
            {
                return _files.Where(file => file.Key >= Sent.File).Sum(file => file.Value) - (_files.ContainsKey(Sent.File) ? Sent.Offset : 0);
            }
        }
    }

    /// <summary>Where it lies; other files of its owner may lie beside.</summary>
    public string Folder => _folder;

    /// <summary>Opens the first folder under a root that no other process has: 0, 1 …</summary>
    public static Spool Open(string root, long mostBytes)
    {
        for (int number = 0; ; number++)
        {
            string folder = Path.Combine(root, number.ToString(CultureInfo.InvariantCulture));
            Directory.CreateDirectory(folder);
            if (TryClaim(Path.Combine(folder, "lock")) is { } claim)
            {
                return new Spool(folder, mostBytes, claim);
            }
        }
    }

    /// <summary>Adds whole lines.</summary>
    /// <exception cref="IOException">They cannot be written, or there is no more room; then none of them is there.</exception>
    public void Append(ReadOnlySpan<byte> lines)
    {
        lock (_lock)
        {
            if (Waiting + lines.Length > _mostBytes)
            {
                throw new IOException($"{_folder} holds {_mostBytes / 1024 / 1024:N0} MB that the server has not taken, which is the limit");
            }
            long number = _files.Count == 0 ? Sent.File + 1 : _files.Keys.Last();
            if (_newest is null || _files[number] > BytesOfFile)
            {
                _newest?.Dispose();
                number = _files.ContainsKey(number) ? number + 1 : number;
                _newest = new FileStream(FileOf(number), FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
                _files[number] = 0;
            }
            Write(_newest, lines, _files[number]);
            _files[number] += lines.Length;
        }
    }

    /// <summary>The next whole lines that were not sent, and where they end; none when all were.</summary>
    public (byte[] Lines, int Count, SpoolPlace End) Next(int most)
    {
        long length;
        SpoolPlace from;
        lock (_lock)
        {
            from = Sent;
            while (_files.Count > 0 && (!_files.TryGetValue(from.File, out length) || from.Offset >= length) && from.File < _files.Keys.Last())
            {
                from = new SpoolPlace(_files.Keys.First(file => file > from.File), 0);
            }
            if (!_files.TryGetValue(from.File, out length) || from.Offset >= length)
            {
                return ([], 0, from);
            }
        }
        using FileStream file = Reading(from.File);
        file.Position = from.Offset;
        return Lines(file, length, from, most);
    }

    /// <summary>The server has everything up to here.</summary>
    public void Settle(SpoolPlace end)
    {
        string file = Path.Combine(_folder, "sent");
        File.WriteAllText(file + ".new", string.Create(CultureInfo.InvariantCulture, $"{end.File} {end.Offset}"));
        File.Move(file + ".new", file, overwrite: true);
        lock (_lock)
        {
            Sent = end;
        }
    }

    /// <summary>Deletes the files that were sent whole before a place: nobody needs them any more.</summary>
    public void Forget(SpoolPlace before)
    {
        lock (_lock)
        {
            foreach (long number in _files.Keys.Where(number => number < before.File).ToList())
            {
                File.Delete(FileOf(number));
                _files.Remove(number);
            }
        }
    }

    /// <summary>All lines that are there, sent or not; asked before any is added.</summary>
    public IEnumerable<string> All()
    {
        foreach (long number in _files.Keys.ToList())
        {
            using FileStream file = Reading(number);
            using var reader = new StreamReader(file);
            while (reader.ReadLine() is { } line)
            {
                yield return line;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _newest?.Dispose();
        _claim.Dispose();
    }

    static FileStream? TryClaim(string file)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(file))
        {
            return null; // another process has it
        }
    }

    /// <summary>The length of a file without a last line that a kill cut off.</summary>
    static long WholeLines(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        byte[] end = new byte[Bytes];
        for (long at = file.Length; at > 0;)
        {
            int part = (int)Math.Min(end.Length, at);
            file.Position = at - part;
            file.ReadExactly(end, 0, part);
            int last = end.AsSpan(0, part).LastIndexOf((byte)'\n');
            if (last >= 0)
            {
                file.SetLength(at - part + last + 1);
                return file.Length;
            }
            at -= part;
        }
        file.SetLength(0);
        return 0;
    }

    static void Write(FileStream file, ReadOnlySpan<byte> lines, long length)
    {
        try
        {
            file.Write(lines);
        }
        catch (IOException)
        {
            file.SetLength(length); // half a line would make the next one unreadable
            file.Position = length;
            throw;
        }
    }

    static (byte[] Lines, int Count, SpoolPlace End) Lines(FileStream file, long length, SpoolPlace from, int most)
    {
        byte[] lines = new byte[Bytes];
        int read = 0, end = 0, count = 0;
        while (count < most && end < BytesOfFile)
        {
            if (read == lines.Length)
            {
                Array.Resize(ref lines, lines.Length * 2);
            }
            int part = file.Read(lines, read, (int)Math.Min(lines.Length - read, length - from.Offset - read));
            if (part == 0)
            {
                break;
            }
            read += part;
            for (int line; count < most && (line = lines.AsSpan(end, read - end).IndexOf((byte)'\n')) >= 0; count++)
            {
                end += line + 1;
            }
        }
        return (lines[..end], count, new SpoolPlace(from.File, from.Offset + end));
    }

    FileStream Reading(long number) => new(FileOf(number), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    string FileOf(long number) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"events-{number:D8}.jsonl"));

    SpoolPlace ReadSent()
    {
        string file = Path.Combine(_folder, "sent");
        string[] parts = File.Exists(file) ? File.ReadAllText(file).Split(' ') : [];
        return parts.Length == 2 && long.TryParse(parts[0], CultureInfo.InvariantCulture, out long number) && long.TryParse(parts[1], CultureInfo.InvariantCulture, out long offset)
            ? new SpoolPlace(number, offset)
            : default;
    }
}

/// <summary>A place between two lines.</summary>
readonly record struct SpoolPlace(long File, long Offset);
