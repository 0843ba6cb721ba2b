using System.Text;

namespace Belfry.Testing;

/// <summary>Messages of tasks as Celery writes them on Redis, for when its client would take too long.</summary>
public static class MadeUpMessage
{
    /// <summary>The id of a number.</summary>
    public static string IdOf(int number) => $"00000000-0000-4000-8000-{number:x12}";

    /// <summary>The message of a number.</summary>
    public static string Of(int number, string task, int retries = 0, int priority = 0)
    {
        string body = Convert.ToBase64String(Encoding.UTF8.GetBytes($$"""[[{{number}}], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]"""));
        string id = IdOf(number);
        return $$$"""
            {"body": "{{{body}}}", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"lang": "py", "task": "{{{task}}}", "id": "{{{id}}}", "shadow": null, "eta": null, "expires": null, "group": null, "group_index": null, "retries": {{{retries}}}, "timelimit": [null, null], "root_id": "{{{id}}}", "parent_id": null, "argsrepr": "({{{number}}},)", "kwargsrepr": "{}", "origin": "gen1@lab", "ignore_result": false}, "properties": {"correlation_id": "{{{id}}}", "reply_to": "b701b40a-512f-3d24-9460-304e18b1afdb", "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "celery"}, "priority": {{{priority}}}, "body_encoding": "base64", "delivery_tag": "{{{Guid.NewGuid()}}}"}}
            """;
    }
}
