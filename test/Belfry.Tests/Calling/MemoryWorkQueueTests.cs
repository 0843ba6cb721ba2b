namespace Belfry.Tests.Calling;

public sealed class MemoryWorkQueueTests
{
    [Fact]
    public async Task The_keys_of_calls_are_remembered_and_the_oldest_of_very_many_are_forgotten()
    {
        using var queue = new MemoryWorkQueue((_, _) => Task.CompletedTask, TimeProvider.System);
        Assert.True(await PutAsync(queue, 0));
        Assert.True(await queue.RevokeAsync("0", TestContext.Current.CancellationToken));
        Assert.False(await PutAsync(queue, 0));
        for (int key = 1; key <= MemoryWorkQueue.MostKeys; key++)
        {
            Assert.True(await PutAsync(queue, key));
        }
        Assert.False(await PutAsync(queue, MemoryWorkQueue.MostKeys));
        Assert.True(await PutAsync(queue, 0));
    }

    static Task<bool> PutAsync(MemoryWorkQueue queue, int key) =>
        queue.PutAsync(new QueuedCall { Id = $"{key}", IsKeyed = true, Task = "t", Submitted = new Instant(key) }, TestContext.Current.CancellationToken);
}
