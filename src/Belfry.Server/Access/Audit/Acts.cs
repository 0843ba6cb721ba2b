using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Belfry.Server.Access;

/// <summary>What people and programs do to runs goes into the audit, too.</summary>
static class Acts
{
    /// <summary>Does something and takes it down: also when whoever asked leaves before its end, or it fails on the way, for then some of it may be done.</summary>
    /// <param name="context">The request.</param>
    /// <param name="what">What: <c>queue.purge</c> …</param>
    /// <param name="about">Which queue, which run.</param>
    /// <param name="act">Does it.</param>
    /// <param name="detail">What came of it; null where nothing was done.</param>
    public static async Task<T> AuditedAsync<T>(this HttpContext context, string what, string about, Func<Task<T>> act, Func<T, string?> detail)
    {
        T done;
        try
        {
            done = await act();
        }
        catch (Exception broken)
        {
            context.Audit(what, about, $"broken off: {(broken is OperationCanceledException ? "who asked did not wait for its end" : broken.Message)}");
            throw;
        }
        if (detail(done) is { } words)
        {
            context.Audit(what, about, words);
        }
        return done;
    }

    /// <summary>Takes down that whoever sent this request did something. Where nobody has to log in there is nobody to name, and no audit.</summary>
    /// <param name="context">The request.</param>
    /// <param name="what">What: <c>task.call</c>, <c>run.revoke</c> …</param>
    /// <param name="about">Which task, which run.</param>
    /// <param name="detail">More of it; never a secret.</param>
    public static void Audit(this HttpContext context, string what, string about, string detail = "")
    {
        if (context.Features.Get<Visitor>() is { Name.Length: > 0 } visitor)
        {
            IServiceProvider services = context.RequestServices;
            services.GetRequiredService<AuditTrail>().Tell(visitor.From(services.GetRequiredService<ClientAddress>().Of(context)), what, about, detail);
        }
    }
}
