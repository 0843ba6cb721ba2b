using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Belfry.Mail;

/// <summary>Adds error mails to an application's logging.</summary>
public static class ErrorMailLogging
{
    /// <summary>Mails log records: <c>builder.Logging.AddErrorMail(mail =&gt; { mail.To.Add("ops@example.com"); mail.Mail.Host = "smtp"; })</c>.</summary>
    /// <remarks>Besides <see cref="ErrorMailOptions.Level"/> the filters of logging count, under the name <c>ErrorMail</c>. The options are looked at when the host starts to log.</remarks>
    public static ILoggingBuilder AddErrorMail(this ILoggingBuilder logging, Action<ErrorMailOptions> configure)
    {
        logging.Services.AddSingleton(provider =>
        {
            var options = new ErrorMailOptions();
            configure(options);
            string application = provider.GetService<IHostEnvironment>()?.ApplicationName ?? AppDomain.CurrentDomain.FriendlyName;
            return new ErrorMailProvider(options, application, provider.GetService<TimeProvider>() ?? TimeProvider.System);
        });
        logging.Services.AddSingleton<ILoggerProvider>(provider => provider.GetRequiredService<ErrorMailProvider>());
        return logging;
    }
}
