using System.Diagnostics;

namespace Belfry.Bench;

/// <summary>What appends took: wall and CPU of the process, in seconds.</summary>
readonly record struct Spent(long Events, double Seconds, double Cpu)
{
    public double PerSecond => Events / Seconds;

    public double CpuMicros => Cpu * 1e6 / Events;

    public static Spent operator +(Spent a, Spent b) => new(a.Events + b.Events, a.Seconds + b.Seconds, a.Cpu + b.Cpu);
}

/// <summary>Measures wall and CPU from now on.</summary>
readonly record struct Watch(long Begin, TimeSpan Cpu)
{
    public static Watch Start() => new(Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);

    public Spent Stop(int events) => new(events, Stopwatch.GetElapsedTime(Begin).TotalSeconds, (Environment.CpuUsage.TotalTime - Cpu).TotalSeconds);
}
