using System.Text;
using System.Text.Json.Nodes;
using Belfry.Celery.Results.Pickles;
using Belfry.Testing;

namespace Belfry.Celery.Tests.Results;

public sealed class PickleTests
{
    // Plain values as JSON can show them, and how each protocol of Python itself writes them.
    const string Plain = """
        import base64, json, pickle
        shared = ["again"]
        values = [None, True, False, 0, 1, -1, 255, 256, 65535, 65536, -2**31, 2**31, 2**63, -2**64, 10**300, 1.5, -0.0, 1e300, "", "text", "ü✗😀\n\\u0041 'q' \"",
                  [], [1], [1, [2, [3]]], {}, {"a": 1}, {"a": {"b": [None]}}, [shared, shared], list(range(3000)), "x" * 70000, {str(i): i for i in range(2000)}]
        for value in values:
            for protocol in range(6):
                print(json.dumps({"protocol": protocol, "pickle": base64.b64encode(pickle.dumps(value, protocol)).decode(), "json": json.dumps(value)}))
        """;

    // What JSON has not: how it is shown.
    const string Beyond = """
        import base64, datetime, decimal, json, os, pickle, uuid
        class Evil:
            def __reduce__(self): return (os.system, ("touch owned",))
        shown = [((1, "a"), '[1, "a"]'), ((), "[]"), ({7}, "[7]"), (frozenset([7]), "[7]"), (b"abc", '{"__type__": "bytes", "__value__": "abc"}'),
                 (b"\xff\x00", '{"__type__": "base64", "__value__": "/wA="}'), (b"", '{"__type__": "bytes", "__value__": ""}'), (float("inf"), "Infinity"),
                 ({1: "x", None: 2, (1, 2): 3}, '{"1": "x", "null": 2, "[1, 2]": 3}'),
                 (Evil(), '{"__class__": "posix.system", "__args__": ["touch owned"]}'),
                 (datetime.timedelta, '{"__class__": "datetime.timedelta"}'),
                 (ValueError("boom", 3), '{"__class__": "builtins.ValueError", "__args__": ["boom", 3]}')]
        for value, wanted in shown:
            for protocol in (3, 4, 5):
                print(json.dumps({"protocol": protocol, "pickle": base64.b64encode(pickle.dumps(value, protocol)).decode(), "json": wanted}))
        """;

    [Fact]
    public async Task Plain_values_are_read_in_every_protocol_as_Python_wrote_them()
    {
        foreach ((byte[] pickle, string json, int protocol) in await PickledAsync(Plain))
        {
            string read = PickleText.Json(pickle);
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(json), JsonNode.Parse(read)), $"protocol {protocol}: {Cut(read)} is not {Cut(json)}");
        }
    }

    [Fact]
    public async Task What_is_not_plain_is_shown_and_never_built()
    {
        foreach ((byte[] pickle, string json, int protocol) in await PickledAsync(Beyond))
        {
            Assert.Equal((protocol, json), (protocol, PickleText.Json(pickle)));
        }
        Assert.False(File.Exists("owned"));
    }

    [Theory]
    [InlineData("(lp0\nI1\naS'it\\'s \\x41\\n'\na.", """[1, "it's A\n"]""")]
    [InlineData("c__builtin__\nset\n((lp0\nI1\naI2\natR.", "[1, 2]")]
    [InlineData("cposix\nsystem\n(S'rm -rf /'\ntR.", """{"__class__": "posix.system", "__args__": ["rm -rf /"]}""")]
    [InlineData("(iposix\nsystem\n.", """{"__class__": "posix.system", "__args__": []}""")]
    [InlineData("(cposix\nsystem\nS'x'\no.", """{"__class__": "posix.system", "__args__": ["x"]}""")]
    [InlineData("Ptoken\n.", """{"__class__": "persistent token"}""")]
    [InlineData("L12345678901234567890L\n.", "12345678901234567890")]
    [InlineData("Vhalf \\ud800 of it\n.", "\"half \uFFFD of it\"")]
    public void Pickles_of_old_are_read_too(string pickle, string json) => Assert.Equal(json, PickleText.Json(Encoding.Latin1.GetBytes(pickle)));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("(lp0\nI1\na")]
    [InlineData("I99x\n.")]
    [InlineData("\u0080\u0009N.")]
    [InlineData("g7\n.")]
    [InlineData("tt.")]
    [InlineData("\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ffx.")]
    [InlineData("]q\0h\0a.")]
    public void What_is_no_pickle_says_so(string pickle) => Assert.ThrowsAny<PickleException>(() => PickleText.Json(Encoding.Latin1.GetBytes(pickle)));

    [Fact]
    public void A_value_that_names_another_twice_fifty_times_over_has_an_end()
    {
        var laughs = new StringBuilder("]q\u0000");
        for (int i = 0; i < 50; i++)
        {
            // A list of the last one twice, remembered in its stead.
            laughs.Append("](h\0h\0eq\0");
        }
        Assert.Throws<PickleException>(() => PickleText.Json(Encoding.Latin1.GetBytes($"{laughs}.")));
        Assert.Throws<PickleException>(() => PickleText.Json(Encoding.Latin1.GetBytes($"{new string(']', 100_000)}{new string('a', 99_999)}.")));
        Assert.Throws<PickleException>(() => PickleText.Json(Encoding.Latin1.GetBytes($"I{new string('9', 100_000)}\n.")));
    }

    [Fact]
    public void A_name_that_is_made_of_itself_and_values_without_number_have_an_end()
    {
        string name = PickleText.Json(Encoding.Latin1.GetBytes($"cposix\nsystem\n{string.Concat(Enumerable.Repeat("2\u0093", 60))}."));
        Assert.InRange(name.Length, 1000, 1100);
        Assert.Throws<PickleException>(() => PickleText.Json(Encoding.Latin1.GetBytes($"({new string(']', 10_000_000)}l.")));
    }

    [Fact]
    public async Task No_changed_bytes_of_a_pickle_throw_anything_else()
    {
        var random = new Random(11);
        byte[][] pickles = [.. (await PickledAsync(Plain)).Concat(await PickledAsync(Beyond)).Select(row => row.Pickle).Where(pickle => pickle.Length < 2000)];
        for (int i = 0; i < 100_000; i++)
        {
            byte[] changed = [.. pickles[random.Next(pickles.Length)]];
            for (int n = random.Next(1, 5); n > 0; n--)
            {
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            }
            try
            {
                PickleText.Json(changed.AsMemory(0, random.Next(4) == 0 ? random.Next(changed.Length) : changed.Length));
            }
            catch (PickleException)
            {
                // The answer to what is none.
            }
        }
    }

    static async Task<IReadOnlyList<(byte[] Pickle, string Json, int Protocol)>> PickledAsync(string program)
    {
        Finished made = await ChildProcess.RunAsync(Machine.Python, ["-c", program]);
        Assert.True(made.Code == 0, made.Errors);
        return
        [
            .. from line in made.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
               let row = JsonNode.Parse(line)!
               select (Convert.FromBase64String((string)row["pickle"]!), (string)row["json"]!, (int)row["protocol"]!),
        ];
    }

    static string Cut(string text) => text.Length > 200 ? text[..200] : text;
}
