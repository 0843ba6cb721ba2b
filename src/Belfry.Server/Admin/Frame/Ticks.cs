using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace Belfry.Server.Admin;

/// <summary>The words below a chart. A class, because Razor keeps the tag <c>text</c> for itself.</summary>
public sealed class Ticks : ComponentBase
{
    /// <summary>The words and their places.</summary>
    [Parameter, EditorRequired]
    public IReadOnlyList<HistogramTick> At { get; set; } = [];

    /// <inheritdoc/>
    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        builder.OpenElement(0, "svg");
        builder.AddAttribute(1, "class", "b-ticks");
        builder.AddAttribute(2, "aria-hidden", "true");
        foreach (HistogramTick tick in At)
        {
            builder.OpenElement(3, "text");
            builder.AddAttribute(4, "x", string.Create(CultureInfo.InvariantCulture, $"{tick.Percent:0.##}%"));
            builder.AddAttribute(5, "y", "12");
            builder.AddAttribute(6, "text-anchor", tick.Percent <= 0 ? "start" : tick.Percent >= 100 ? "end" : "middle");
            builder.AddContent(7, tick.Words);
            builder.CloseElement();
        }
        builder.CloseElement();
    }
}
