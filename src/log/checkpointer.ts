/** Makes the recovery points, log starts and high watermarks of all logs durable, one checkpoint at a time. */
import type { Timers } from "../platform/platform.ts";
import type { LogDirectories } from "./log-directories.ts";
import type { LogDirectory } from "./log-directory.ts";
import { isReplicated } from "./log-registry.ts";
import type { PartitionLog } from "./partition-log.ts";
import { TickBatch } from "./tick-batch.ts";

export class Checkpointer {
  readonly #directories: LogDirectories;
  /** Logs whose start moved in this tick. */
  readonly #movedStarts: TickBatch<PartitionLog>;
  /** The checkpoint under way. */
  #running: Promise<void> = Promise.resolve();

  constructor(modules: { directories: LogDirectories; timers: Timers }) {
    this.#directories = modules.directories;
    this.#movedStarts = new TickBatch({ handle: logs => this.#checkpointStarts(logs) }, modules);
  }

  /** Makes durable, at the end of the tick, where `log` starts, and then lets it delete what lies below. */
  logStartMoved(log: PartitionLog): void {
    this.#movedStarts.add(log);
  }

  checkpoint(): Promise<void> {
    // One after the other: a second one must not take for durable what the first is still waiting for.
    const done = this.#running.then(() => this.#checkpointAll());
    this.#running = done.catch(() => {});
    return done;
  }

  #checkpointStarts(moved: readonly PartitionLog[]): void {
    for (const [directory, logs] of Map.groupBy(moved, log => this.#directories.holding(log))) {
      this.#directories.tryIn(directory, holder => {
        holder.writeLogStartOffsets();
        for (const log of logs) if (!log.isClosed) log.deleteSegmentsBelowStart();
      });
    }
  }

  async #checkpointAll(): Promise<void> {
    for (const directory of this.#directories.all) {
      if (directory.offline) continue;
      try {
        await checkpointDirectory(directory);
      } catch (error) {
        this.#directories.failed(directory, error);
      }
    }
  }
}

async function checkpointDirectory(directory: LogDirectory): Promise<void> {
  // Before leader epochs below the log starts are forgotten.
  directory.writeLogStartOffsets();
  for (const log of [...directory.logs]) {
    if (log.failure === null) await log.advanceRecoveryPoint();
  }
  if (directory.offline) return;
  directory.writeRecoveryPoints();
  directory.writeHighWatermarks(isReplicated);
}
