using System.Text.Json;
using Belfry.Celery.Control;

namespace Belfry.Celery.Tests.Control;

public sealed class CeleryFlagsTests
{
    [Theory]
    [InlineData("""{}""", "task_send_sent_event worker_send_task_events task_track_started result_extended result_backend")]
    [InlineData("""{"task_send_sent_event": true, "worker_send_task_events": true, "task_track_started": true, "result_extended": true, "result_backend": "redis://h/0"}""", "")]
    [InlineData("""{"task_send_sent_event": true, "worker_send_task_events": true, "task_track_started": "yes", "result_extended": true, "result_backend": "redis://h/0", "task_ignore_result": true}""", "task_track_started task_ignore_result = False")]
    [InlineData("""{"error": "no"}""", "")]
    [InlineData("""[1]""", "")]
    public void Settings_that_are_off_are_named(string conf, string off) =>
        Assert.Equal(off, string.Join(' ', CeleryFlags.Off(JsonElement.Parse(conf)).Select(flag => flag.Setting)));
}
