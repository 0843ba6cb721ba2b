using System.Net;
using System.Text;
using HandlebarsDotNet;

namespace Belfry.Mail;

/// <summary>A text with places to be filled, in the language of Handlebars.</summary>
public sealed class MailTemplate
{
    readonly HandlebarsTemplate<object, object> _compiled;

    /// <summary>Reads a template.</summary>
    /// <param name="text">The template.</param>
    /// <param name="html">Values are escaped for HTML; else they stand as they are.</param>
    /// <exception cref="MailTemplateException">It is not understood.</exception>
    public MailTemplate(string text, bool html) =>
        _compiled = Guarded(() => Handlebars.Create(new HandlebarsConfiguration { TextEncoder = new HtmlText(), NoEscape = !html }).Compile(text));

    /// <summary>Fills it; what is not there is empty.</summary>
    /// <exception cref="MailTemplateException">It cannot be filled.</exception>
    public string Render(IReadOnlyDictionary<string, object?> values) => Guarded(() => _compiled(values));

    static T Guarded<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (HandlebarsException wrong)
        {
            throw new MailTemplateException(wrong.Message.ReplaceLineEndings(" "), wrong);
        }
    }

    /// <summary>Escapes both kinds of quotes too, which the library's own encoder does not, so that a value is safe in any attribute.</summary>
    sealed class HtmlText : ITextEncoder
    {
        public void Encode(StringBuilder? text, TextWriter target) => Encode(text?.ToString(), target);

        public void Encode(string? text, TextWriter target) => target.Write(WebUtility.HtmlEncode(text));

        public void Encode<T>(T? text, TextWriter target)
            where T : IEnumerator<char>
        {
            var all = new StringBuilder();
            while (text is not null && text.MoveNext())
            {
                all.Append(text.Current);
            }
            Encode(all, target);
        }
    }
}

/// <summary>A template is not understood, or cannot be filled.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="inner">The cause.</param>
public sealed class MailTemplateException(string message, Exception inner) : Exception(message, inner);
