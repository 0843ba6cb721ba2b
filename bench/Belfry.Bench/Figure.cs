using System.Text.Json;
using System.Text.Json.Serialization;

namespace Belfry.Bench;

/// <summary>One measured figure beside its goal, and beside a peer's on the same machine in the same run.</summary>
sealed record Figure(string Row, double Value, string Unit, double Goal, [property: JsonIgnore] bool AtLeast, string? Peer = null, double? PeerValue = null)
{
    static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>The goal is reached.</summary>
    public bool Met => AtLeast ? Value >= Goal : Value <= Goal;

    /// <summary>How many times the peer's; null without one, or where the peer's is 0.</summary>
    public double? Ratio => PeerValue is { } peer and not 0 ? Math.Round(Value / peer, 3) : null;

    public string ToJson() => JsonSerializer.Serialize(this with { Value = Math.Round(Value, 2), PeerValue = PeerValue is { } peer ? Math.Round(peer, 2) : null }, Snake);

    public override string ToString()
    {
        string line = $"{Row,-24}{Value,14:N1} {Unit,-14} goal {(AtLeast ? "≥" : "≤")} {Goal,-9:N0} {(Met ? "met" : "MISSED"),-7}";
        return Peer is null ? line : $"{line} {Peer}: {PeerValue:N1}, ratio {Ratio:0.00}";
    }
}
