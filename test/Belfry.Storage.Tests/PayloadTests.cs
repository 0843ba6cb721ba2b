using Belfry.Storage.Payloads;

namespace Belfry.Storage.Tests;

/// <summary>What is shortened and hidden before it is stored.</summary>
public sealed class PayloadTests
{
    static readonly SecretMask Mask = new(SecretMask.DefaultKeys);

    [Theory]
    [InlineData("[1,[2,3],4]", "[1,[],4]")]
    [InlineData("[1, [2, 3], 4]", "[1, [], 4]")]
    [InlineData("(1, (2, 3), {'a': [1]}, 'x')", "(1, (), {}, 'x')")]
    [InlineData("{\"a\":[1,2],\"b\":3}", "{\"a\":[],\"b\":3}")]
    [InlineData("{'a': {'b': 1}, 'c': 'has [brackets] in it'}", "{'a': {}, 'c': 'has [brackets] in it'}")]
    [InlineData("[0,0]", "[0,0]")]
    [InlineData("(1, [2, 3...", "(1, [2, 3...")]
    [InlineData("'just text [1]'", "'just text [1]'")]
    [InlineData(null, null)]
    [Trait("row", "104")]
    public void Arguments_lose_what_is_nested(string? text, string? expected) => Assert.Equal(expected, Truncation.OfArguments(text));

    [Theory]
    [InlineData("[[],[],[]]", "[]")]
    [InlineData("[[1],[2]]", "[]")]
    [InlineData("[0,0]", "[0,0]")]
    [InlineData("['', '']", "['', '']")]
    [InlineData("[None, None]", "[None, None]")]
    [InlineData("{'a': [1]}", "{'a': []}")]
    [InlineData("[]", "[]")]
    [Trait("row", "104")]
    public void Results_that_are_lists_of_nothing_become_an_empty_list(string text, string expected) => Assert.Equal(expected, Truncation.OfResult(text));

    [Theory]
    [InlineData("{'user': 'ann', 'password': 'hunter2'}", "{'user': 'ann', 'password': '‹hidden›'}")]
    [InlineData("{\"auth_token\": \"abc\", \"n\": 1}", "{\"auth_token\": \"‹hidden›\", \"n\": 1}")]
    [InlineData("{'token': ['a', 'b'], 'n': 1}", "{'token': '‹hidden›', 'n': 1}")]
    [InlineData("{'Authorization': 'Bearer x y', 'n': 1}", "{'Authorization': '‹hidden›', 'n': 1}")]
    [InlineData("{'secret': 'it\\'s, long', 'n': 1}", "{'secret': '‹hidden›', 'n': 1}")]
    [InlineData("{'n': 1, 'password': 'hunter2 and then Celery cut it of...", "{'n': 1, 'password': '‹hidden›'")]
    [InlineData("<Login password='x' user='y'>", "<Login password='‹hidden›' user='y'>")]
    [InlineData("connect(api_key=123, retries=2)", "connect(api_key='‹hidden›', retries=2)")]
    [InlineData("redis://user:hunter2@host:6379/0 failed", "redis://user:‹hidden›@host:6379/0 failed")]
    [InlineData("('redis://ann:hunt...', 1)", "('redis://ann:‹hidden›', 1)")]
    [InlineData("cannot connect to amqp://:hunter2", "cannot connect to amqp://:‹hidden›")]
    [InlineData("redis://localhost:6379, http://[::1]:80 and amqp://mq:5672.", "redis://localhost:6379, http://[::1]:80 and amqp://mq:5672.")]
    [InlineData("DRIVER=odbc;UID=sa;PWD=hunter2;", "DRIVER=odbc;UID=sa;PWD='‹hidden›';")]
    [InlineData("no secret here, a token was read", "no secret here, a token was read")]
    [InlineData("401: sent Authorization: Bearer eyJ.a.b and nothing else", "401: sent Authorization: '‹hidden›' and nothing else")]
    [InlineData("{\"body\": \"{\\\"token\\\": \\\"a\\\\\\\"b\\\", \\\"event\\\": \\\"push\\\"}\"}", "{\"body\": \"{\\\"token\\\": \\\"‹hidden›\\\", \\\"event\\\": \\\"push\\\"}\"}")]
    [InlineData("{\"body\": \"{\\\"token\\\": \\\"cut off", "{\"body\": \"{\\\"token\\\": \\\"‹hidden›\\\"")]
    [InlineData("{'tokens': 5, 'password': ''}", "{'tokens': '‹hidden›', 'password': '‹hidden›'}")]
    [Trait("row", "105")]
    public void Values_of_keys_that_sound_secret_are_hidden(string text, string expected) => Assert.Equal(expected, Mask.Apply(text));

    [Fact]
    [Trait("row", "105")]
    public void What_sounds_secret_can_be_chosen()
    {
        const string text = "{'pin': 1234, 'password': 'hunter2'}";
        Assert.Equal("{'pin': '‹hidden›', 'password': 'hunter2'}", new SecretMask(["PIN"]).Apply(text));
        Assert.Same(text, new SecretMask([]).Apply(text));
    }

    [Fact]
    [Trait("row", "105")]
    public void In_the_code_of_a_trace_only_quoted_values_are_hidden_and_in_its_message_all()
    {
        Assert.Equal("  token = read()\n  password='‹hidden›'", Mask.Apply("  token = read()\n  password='hunter2'", trace: true));
        const string trace = """
            Traceback (most recent call last):
              File "a.py", line 7, in load
                token = read()
                login(token, password=b'hunter2', body="{\"api_key\": \"abc\"}")
            HTTPError: 401 Unauthorized for url: https://api.example.com/v1?token=abc123&page=1

            During handling of the above exception, another exception occurred:

              File "a.py", line 9, in load
            OperationalError: connection to "host=db password=hunter2" failed
            """;
        Assert.Equal(
            trace.Replace("b'hunter2'", "'‹hidden›'", StringComparison.Ordinal).Replace("\\\"abc\\\"", "\\\"‹hidden›\\\"", StringComparison.Ordinal)
                .Replace("token=abc123", "token='‹hidden›'", StringComparison.Ordinal).Replace("password=hunter2\" failed", "password='‹hidden›'", StringComparison.Ordinal),
            Mask.Apply(trace, trace: true));
    }

    [Fact]
    public void A_payload_is_packed_where_that_makes_it_shorter_and_every_form_is_read_later()
    {
        Assert.SkipUnless(Zstd.IsPresent, "libzstd is not here");
        using var database = Sqlite.Database.Open(null, create: true);
        database.Execute("CREATE TABLE dictionary(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
        var shelf = new Sqlite.DictionaryTable(database);
        var random = new Random(8);
        var stored = new List<(byte[] Payload, byte[] Packed)>();
        byte[] Noise(int length) => [.. Enumerable.Range(0, length).Select(n => (byte)(n == 0 ? 1 : random.Next(256)))];
        byte[] Plain(int n) => [1, .. System.Text.Encoding.UTF8.GetBytes($"{{'customer': {n}, 'region': 'eu-west-{n % 4}', 'order': '{random.NextInt64():x16}', 'dry_run': False}}")];
        for (int round = 0; round < 2; round++)
        {
            using var packer = new PayloadPacker(shelf); // as at a start: the second time it has a dictionary from the beginning
            for (int n = 0; n < 5000; n++)
            {
                byte[] payload = n % 50 == 0 ? Noise(1 + (n / 10)) : Plain(n);
                stored.Add((payload, packer.Pack(payload).ToArray()));
                packer.Settle();
            }
            byte[] huge = new byte[PayloadUnpacker.LongestPayload + round];
            huge[0] = 1;
            stored.Add((huge, packer.Pack(huge).ToArray()));
        }
        using var unpacker = new PayloadUnpacker(new Dictionaries(), shelf);
        Assert.All(stored, form => Assert.True(form.Packed.Length <= form.Payload.Length && unpacker.Unpack(form.Packed).SequenceEqual(form.Payload)));
        Assert.Contains(stored, form => form.Packed.Length < form.Payload.Length / 2);
        Assert.Contains(stored[5000..], form => form.Payload.Length > 300 && form.Packed.Length == form.Payload.Length);
    }

    [Fact]
    [Trait("row", "105")]
    public void A_text_full_of_addresses_loses_all_their_passwords()
    {
        const int times = 100_000; // where each change copied the text, this would take minutes
        string text = string.Concat(Enumerable.Repeat("at redis://u:hunter2@h:6379/0, or http://h/, ", times));
        Assert.Equal(string.Concat(Enumerable.Repeat("at redis://u:‹hidden›@h:6379/0, or http://h/, ", times)), Mask.Apply(text));
    }

    [Fact]
    public void No_text_however_broken_is_too_much()
    {
        var random = new Random(3);
        const string letters = "{}[]()'\"\\:=, token password redis://a:b@ \n";
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => letters[random.Next(letters.Length)]));
            Mask.Apply(text);
            Truncation.OfResult(text);
        }
    }
}
