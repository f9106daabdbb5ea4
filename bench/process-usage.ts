/** What a process has used of the machine, from Linux's /proc; null elsewhere. */
import { readFileSync } from "node:fs";

/** Linux counts CPU time in ticks of 1/100 s whatever the kernel's own rate (USER_HZ). */
const TICKS_PER_SECOND = 100;

export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly peakMemoryBytes: number;
}

export function processUsage(pid: number): ProcessUsage | null {
  try {
    // Fields are counted behind the command's name, which may itself hold spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      memoryBytes: kilobytes(status, "VmRSS") * 1024,
      peakMemoryBytes: kilobytes(status, "VmHWM") * 1024,
    };
  } catch {
    return null;
  }
}

/** The sum over several processes; null where one cannot be read. */
export function usageOf(pids: readonly number[]): ProcessUsage | null {
  let sum: ProcessUsage = { cpuSeconds: 0, memoryBytes: 0, peakMemoryBytes: 0 };
  for (const pid of pids) {
    const usage = processUsage(pid);
    if (usage === null) return null;
    sum = {
      cpuSeconds: sum.cpuSeconds + usage.cpuSeconds,
      memoryBytes: sum.memoryBytes + usage.memoryBytes,
      peakMemoryBytes: sum.peakMemoryBytes + usage.peakMemoryBytes,
    };
  }
  return sum;
}

function kilobytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0);
}
