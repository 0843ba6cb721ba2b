namespace Belfry.Server.Alerts;

/// <summary>A message to people about one check.</summary>
/// <param name="Task">The task it is about.</param>
/// <param name="Subject">Its subject.</param>
/// <param name="Text">Its body in plain text.</param>
/// <param name="Html">Its body in HTML, or null.</param>
/// <param name="Recipients">Who gets it; when empty there is nobody to tell.</param>
/// <param name="Hidden">Recipients do not see each other.</param>
/// <param name="Nobody">What is wrong when there are no recipients, in a sentence.</param>
public sealed record Alert(string Task, string Subject, string Text, string? Html, IReadOnlyList<string> Recipients, bool Hidden, string Nobody);
