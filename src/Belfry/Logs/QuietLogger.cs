using Microsoft.Extensions.Logging;

namespace Belfry;

/// <summary>A logger whose receivers may fail: a mail server that is down harms neither a task nor the scheduler.</summary>
sealed class QuietLogger(ILogger logger) : ILogger
{
    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
    {
        try
        {
            return logger.BeginScope(state);
        }
        catch (Exception)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return logger.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            logger.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception e)
        {
            _ = e; // whoever receives records has to look after itself; there is nobody left to tell
        }
    }
}
