using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Belfry.Server.Access;

/// <summary>What people and programs do to runs goes into the audit, too.</summary>
static class Acts
{
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
