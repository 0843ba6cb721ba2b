namespace Belfry.Tests.Words;

public sealed class ExceptionClassTests
{
    [Theory]
    [InlineData("ReadTimeout('x')", "ReadTimeout")]
    [InlineData("requests.exceptions.ReadTimeout: slow", "ReadTimeout")]
    [InlineData("SoftTimeLimitExceeded()", "SoftTimeLimitExceeded")]
    [InlineData("something went wrong", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void The_class_begins_the_text(string? exception, string? expected) => Assert.Equal(expected, TaskRun.ClassOf(exception));
}
