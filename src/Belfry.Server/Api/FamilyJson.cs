using System.Text.Json;
using Belfry.Server.Sources;

namespace Belfry.Server.Api;

/// <summary>The relatives of a run in JSON.</summary>
static class FamilyJson
{
    /// <summary>Writes <c>parent</c>, <c>root</c>, <c>children</c> and <c>group</c> into an object that is open. A run that the log does not know has its id only, and its state if its record tells it.</summary>
    public static void Write(Utf8JsonWriter json, string source, RunFamily family, int most, OverdueAt overdue)
    {
        One("parent", family.Parent);
        One("root", family.Root);
        Many("children", family.Children.Take(most));
        if (family.Group is { } group)
        {
            json.WriteStartObject("group");
            json.WriteString("id", group.Id);
            JsonFields.Number(json, "size", group.Size);
            json.WriteNumber("known", group.Members.Count);
            json.WriteNumber("succeeded", group.Succeeded);
            Many("members", group.Members);
            json.WriteEndObject();
        }
        JsonFields.Text(json, "results_problem", family.Problem);

        void One(string name, Relative? relative)
        {
            if (relative is not null)
            {
                json.WritePropertyName(name);
                Relation(relative);
            }
        }

        void Many(string name, IEnumerable<Relative> relatives)
        {
            json.WriteStartArray(name);
            foreach (Relative relative in relatives)
            {
                Relation(relative);
            }
            json.WriteEndArray();
        }

        void Relation(Relative relative)
        {
            if (relative.Run is { } run)
            {
                RunJson.Write(json, run with { State = relative.State ?? run.State }, overdue);
                return;
            }
            json.WriteStartObject();
            json.WriteString("id", relative.Id);
            json.WriteString("source", source);
            JsonFields.Text(json, "task", relative.Task);
            JsonFields.Text(json, "state", relative.State?.ToString());
            json.WriteEndObject();
        }
    }
}
