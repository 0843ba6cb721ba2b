using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Belfry.Bench;

/// <summary>One measured figure beside its goal, and beside a peer's on the same machine in the same run.</summary>
sealed record Figure(string Row, double Value, string Unit, double Goal, bool AtLeast, string? Peer = null, double? PeerValue = null)
{
    static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The goal is reached.</summary>
    public bool Met => AtLeast ? Value >= Goal : Value <= Goal;

    /// <summary>How many times the peer's; null without one, or where the peer's is 0.</summary>
    public double? Ratio => PeerValue is { } peer and not 0 ? Math.Round(Value / peer, 3) : null;

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            row = Row, value = Math.Round(Value, 2), unit = Unit, goal = Goal, met = Met,
            peer = Peer, peer_value = PeerValue is { } peer ? Math.Round(peer, 2) : (double?)null, ratio = Ratio,
        },
        Plain);

    static string Shown(double number) => number.ToString(Math.Abs(number) < 1 ? "0.###" : Math.Abs(number) < 10 ? "0.##" : "N1", CultureInfo.InvariantCulture);

    public override string ToString()
    {
        string line = $"{Row,-24}{Shown(Value),14} {Unit,-14} goal {(AtLeast ? "≥" : "≤")} {Shown(Goal),-9} {(Met ? "met" : "MISSED"),-7}";
        return Peer is null ? line.TrimEnd() : $"{line} {Peer}: {Shown(PeerValue ?? 0)}{(Ratio is { } ratio ? $", ratio {ratio:0.00}" : "")}";
    }
}
