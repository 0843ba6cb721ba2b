namespace Belfry.Celery;

/// <summary>A broker refused what was asked of it, or did not speak its protocol. The message is for an operator, and holds no secret.</summary>
/// <remarks>A broker that cannot be reached, or that went away, is an <see cref="IOException"/> instead: that passes.</remarks>
public abstract class BrokerException(string message, Exception? inner = null) : Exception(message, inner);
