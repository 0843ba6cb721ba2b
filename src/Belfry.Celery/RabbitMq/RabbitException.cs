using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Belfry.Celery.RabbitMq;

/// <summary>RabbitMQ refused; the message is for an operator.</summary>
public sealed class RabbitException(string message, int code, Exception? inner = null) : BrokerException(message, inner)
{
    /// <summary>AMQP's code: 403 no permission, 404 not there, 405 somebody else's alone, 406 it is there and other than asked for, 530 no such virtual host.</summary>
    public int Code { get; } = code;

    /// <summary>What it is short of, and takes no messages for now: <c>low on memory</c>; null when that is not why.</summary>
    public string? Alarm { get; private init; }

    /// <summary>It takes no messages for now.</summary>
    internal static RabbitException Blocked(BrokerUrl url, string reason, string otherwise) => new($"{url} takes no messages now: it is {reason}. {otherwise}", Constants.ResourceError) { Alarm = reason };

    /// <summary>What a problem of the client means: a refusal by the broker, or a broker that cannot be reached.</summary>
    /// <remarks>What is neither, a mistake of ours, stays what it is.</remarks>
    internal static Exception Told(BrokerUrl url, Exception problem) => problem switch
    {
        BrokerUnreachableException { InnerException: { } cause } => Told(url, cause is AggregateException { InnerException: { } first } ? first : cause),
        AuthenticationFailureException => new RabbitException($"{url} refused the login of {url.User ?? ConnectionFactory.DefaultUser}: {problem.Message}", Constants.AccessRefused, problem),
        OperationInterruptedException { ShutdownReason: { Initiator: ShutdownInitiator.Peer } reason } when IsRefusal(reason.ReplyCode) =>
            new RabbitException($"{url} refused: {reason.ReplyText}", reason.ReplyCode, problem),
        PublishException { IsReturn: true } => new RabbitException($"{url} has no queue for a message", Constants.NoRoute, problem),
        PublishException => new RabbitException($"{url} refused a message: a queue may take no more", Constants.ResourceError, problem),
        OperationInterruptedException { ShutdownReason: { } reason } => new IOException($"{url} was lost: {Cause(reason)}", problem),
        RabbitMQClientException or IOException or TimeoutException or OperationCanceledException or System.Security.Authentication.AuthenticationException
            or System.Net.Sockets.SocketException or ObjectDisposedException =>
            new IOException($"{url} cannot be reached: {(problem is OperationCanceledException ? "it did not answer in time" : Innermost(problem).Message)}", problem),
        _ => problem,
    };

    /// <summary>Why a connection or a channel ended.</summary>
    internal static string Cause(ShutdownEventArgs reason) => reason.Exception is { } problem ? Innermost(problem).Message : reason.ReplyText;

    static bool IsRefusal(ushort code) => code is
        Constants.AccessRefused or Constants.NotFound or Constants.ResourceLocked or Constants.PreconditionFailed or Constants.NotAllowed or Constants.NotImplemented;

    static Exception Innermost(Exception problem) => problem.InnerException is { } inner ? Innermost(inner) : problem;
}
