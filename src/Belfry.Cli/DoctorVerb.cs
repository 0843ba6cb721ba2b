namespace Belfry.Cli;

/// <summary><c>belfry doctor</c>: what is wrong here, and how to mend it.</summary>
static class DoctorVerb
{
    public static Verb Build() => new("doctor", "Looks at store, brokers, workers, mail and clock", "belfry doctor");
}
