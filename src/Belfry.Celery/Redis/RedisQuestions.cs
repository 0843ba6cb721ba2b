namespace Belfry.Celery.Redis;

/// <summary>Asks a Redis now and then. A connection for each question: they are rare, and a broken one would have to be noticed and replaced.</summary>
/// <param name="url">Where it is.</param>
/// <param name="patience">How long is waited for a connection, and for each reply.</param>
/// <param name="clock">The clock.</param>
sealed class RedisQuestions(BrokerUrl url, TimeSpan patience, TimeProvider clock)
{
    /// <summary>A connection of the caller's own, who disposes of it.</summary>
    /// <inheritdoc cref="RedisConnection.Open"/>
    public RedisConnection Open(CancellationToken cancel)
    {
        RedisConnection connection = RedisConnection.Open(url, patience, clock, cancel);
        connection.ReadTimeout = patience;
        return connection;
    }

    /// <summary>Asks on a connection that goes with the question, and on a thread that may wait.</summary>
    /// <inheritdoc cref="RedisConnection.Open"/>
    public Task<T> UseAsync<T>(Func<RedisConnection, T> ask, CancellationToken cancel) => Task.Run(
        () =>
        {
            try
            {
                using RedisConnection connection = Open(cancel);
                // Cancelling closes the connection, which ends whatever is done with it, in whichever way that shows.
                using CancellationTokenRegistration closing = cancel.Register(connection.Dispose);
                return ask(connection);
            }
            catch (Exception) when (cancel.IsCancellationRequested)
            {
                throw new OperationCanceledException(cancel);
            }
        },
        cancel);
}
