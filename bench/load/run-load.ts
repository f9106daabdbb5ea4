/** Runs one load in a process of its own and measures the broker's processes meanwhile. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type ProcessUsage, usageOf } from "../process-usage.ts";
import type { Load, LoadResult } from "./loads.ts";
import type { WorkerMessage } from "./worker.ts";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

export interface Measurement extends LoadResult {
  /** CPU of the broker while measuring, all threads, user and system; null where it cannot be read. */
  readonly brokerCpuSeconds: number | null;
  readonly brokerMemoryBytes: number | null;
}

/** @param pids of the broker or, in a cluster, brokers */
export async function runLoad(pids: readonly number[], load: Load): Promise<Measurement> {
  const child = fork(WORKER, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const exited = once(child, "exit");
  let before: ProcessUsage | null = null;
  let after: ProcessUsage | null = null;
  let result: LoadResult | null = null;
  child.on("message", (message: WorkerMessage) => {
    if (message.event === "measuring") before = usageOf(pids);
    else {
      after = usageOf(pids);
      result = message.result;
    }
  });
  child.send(load);
  await exited;
  return summarise(result, before, after);
}

function summarise(result: LoadResult | null, before: ProcessUsage | null, after: ProcessUsage | null): Measurement {
  if (result === null) throw new Error("the load generator failed; see above");
  return {
    ...result,
    brokerCpuSeconds: before === null || after === null ? null : after.cpuSeconds - before.cpuSeconds,
    brokerMemoryBytes: after?.memoryBytes ?? null,
  };
}
