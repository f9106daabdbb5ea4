/** Runs one load in a process of its own and measures the broker's processes meanwhile. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type ProcessUsage, usageOf } from "../process-usage.ts";
import type { LatencySummary } from "./latencies.ts";
import type { Load, LoadResult } from "./loads.ts";
import type { WorkerMessage } from "./worker.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));
/** Beyond the time that a load is to run: connecting, and the last answers. */
const GRACE_MS = 60_000;

export interface Measurement extends LoadResult {
  /** CPU of the broker while measuring, all threads, user and system; null where it cannot be read. */
  readonly brokerCpuSeconds: number | null;
  readonly brokerMemoryBytes: number | null;
}

/** What was answered since the last of its kind. */
export interface Sample {
  readonly seconds: number;
  readonly requests: number;
  readonly latency: LatencySummary;
}

const workers = new Set<ChildProcess>();

/** Ends the loads under way. */
export function killWorkers(): void {
  for (const worker of workers) worker.kill("SIGKILL");
}

/**
 * @param pids of the broker or, in a cluster, brokers
 * @param onSample called as often as the load says, while it runs
 */
export async function runLoad(
  pids: readonly number[],
  load: Load,
  onSample?: (sample: Sample) => void,
): Promise<Measurement> {
  const child = fork(WORKER, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  workers.add(child);
  const exited = once(child, "exit");
  let before: ProcessUsage | null = null;
  let after: ProcessUsage | null = null;
  let result: LoadResult | null = null;
  let failure = "the load generator ended without a word";
  child.on("message", (message: WorkerMessage) => {
    if (message.event === "measuring") before = usageOf(pids);
    else if (message.event === "failed") failure = message.why;
    else if (message.event === "sample") onSample?.(message.sample);
    else {
      after = usageOf(pids);
      result = message.result;
    }
  });
  child.send(load);
  const timer = setTimeout(
    () => {
      failure = "the load did not end in time";
      child.kill("SIGKILL");
    },
    load.limitMs ?? load.warmupMs + load.durationMs + GRACE_MS,
  );
  await exited;
  clearTimeout(timer);
  workers.delete(child);
  return summarise(result, failure, before, after);
}

function summarise(
  result: LoadResult | null,
  failure: string,
  before: ProcessUsage | null,
  after: ProcessUsage | null,
): Measurement {
  if (result === null) throw new Error(failure);
  return {
    ...result,
    brokerCpuSeconds: before === null || after === null ? null : after.cpuSeconds - before.cpuSeconds,
    brokerMemoryBytes: after?.memoryBytes ?? null,
  };
}
