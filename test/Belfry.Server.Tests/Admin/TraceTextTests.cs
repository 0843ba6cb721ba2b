using Belfry.Server.Admin;

namespace Belfry.Server.Tests.Admin;

public sealed class TraceTextTests
{
    [Fact]
    public void A_trace_of_Python_opens_its_own_frames_and_folds_those_of_libraries()
    {
        TraceError error = Assert.Single(TraceText.Read(SampleRuns.Trace).Errors);
        Assert.Equal("requests.exceptions.ReadTimeout", error.Class);
        Assert.StartsWith("HTTPSConnectionPool(host=", error.Message, StringComparison.Ordinal);
        Assert.Equal(["celery", "celery", null, null, "requests"], error.Frames.Select(frame => frame.Library));
        Assert.Equal([2, 1, 1, 1], error.Stretches().Select(stretch => stretch.Count));
        Assert.Equal(("gap/http.py:41", "fetch", "return session.get(url, timeout=timeout)"),
            TraceText.Innermost(error) is { } frame ? (frame.Place[^14..], frame.Function, frame.Code) : default);
    }

    [Fact]
    public void What_caused_an_error_comes_after_it()
    {
        const string text = """
            Traceback (most recent call last):
              File "/srv/lab/labapp.py", line 70, in retry_ok
                raise ConnectionError('flaky')
            ConnectionError: flaky

            During handling of the above exception, another exception occurred:

            Traceback (most recent call last):
              File "/srv/lab/labapp.py", line 72, in retry_ok
                raise self.retry(exc=exc)
            celery.exceptions.Retry: Retry in 1s: ConnectionError('flaky')
            with a second line
            """;
        IReadOnlyList<TraceError> errors = TraceText.Read(text).Errors;
        Assert.Equal(["celery.exceptions.Retry", "ConnectionError"], errors.Select(error => error.Class));
        Assert.Equal("Retry in 1s: ConnectionError('flaky')\nwith a second line", errors[0].Message);
    }

    [Fact]
    public void A_trace_of_NET_is_read_too()
    {
        IReadOnlyList<TraceError> errors = TraceText.Read(new InvalidOperationException("closed", Thrown()).ToString() + "\n   at Demo.Tasks.Import(String feed) in /home/x/Demo/Tasks.cs:line 40").Errors;
        Assert.Equal(["System.InvalidOperationException", "System.IO.IOException"], errors.Select(error => error.Class));
        Assert.Equal("Demo/Tasks.cs:40", errors[0].Frames[^1].Place[^16..]);
        Assert.Contains(errors[1].Frames, frame => frame.Library is null && frame.Function.Contains(nameof(Thrown), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("it broke")]
    public void What_is_no_trace_is_left_as_it_is(string? text) => Assert.Empty(TraceText.Read(text).Errors);

    static IOException Thrown()
    {
        try
        {
            throw new IOException("no such host");
        }
        catch (IOException thrown)
        {
            return thrown;
        }
    }
}
