using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Belfry.Testing;

/// <summary>What the tests need to know of the machine and of this repository.</summary>
public static class Machine
{
    /// <summary>Debian's Python: the one that python3-celery and python3-aiosmtpd are installed for.</summary>
    public const string Python = "/usr/bin/python3";

    /// <summary>The root of the repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The tests run as root, so they may mount a small disk.</summary>
    public static bool IsRoot => Environment.IsPrivilegedProcess;

    /// <summary>A TCP port that nobody listened on a moment ago.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    static string FindRoot([CallerFilePath] string here = "")
    {
        string folder = File.Exists(here) ? here : AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Belfry.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the tests do not lie in the repository");
        }
        return folder;
    }
}
