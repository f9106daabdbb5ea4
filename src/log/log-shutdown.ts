/** Closing the logs of a directory so that the next start needs no recovery. */
import type { Logger } from "../logging/index.ts";
import type { FlushScheduler } from "./flush-scheduler.ts";
import type { Journals } from "./journal/journals.ts";
import type { LogDirectory } from "./log-directory.ts";
import { isReplicated } from "./log-registry.ts";
import { forEachParallel } from "./parallel.ts";
import type { PartitionLog } from "./partition-log.ts";

export interface LogShutdownModules {
  readonly logger: Logger;
  readonly flushScheduler: FlushScheduler<PartitionLog>;
  readonly journals: Journals<PartitionLog>;
}

/** Files synced at the same time. */
const PARALLELISM = 8;

/**
 * Syncs the files of all logs, which are about to be closed, side by side: closing syncs what is left, one file after the other. Gives those that could not
 * be synced. Nothing may sync them again: the system has forgotten what it did not write, and would say that all is well.
 */
export async function syncSideBySide(
  directories: readonly LogDirectory[],
): Promise<ReadonlyMap<PartitionLog, unknown>> {
  const logs = directories.filter(({ offline }) => !offline).flatMap(directory => [...directory.logs]);
  const unsynced = logs.filter(log => log.failure === null && log.syncedOffset < log.logEndOffset);
  const failed = new Map<PartitionLog, unknown>();
  await forEachParallel(unsynced, PARALLELISM, log => log.flushNow().catch(error => void failed.set(log, error)));
  return failed;
}

/**
 * Closes all logs of `directory` and leaves the marker that spares the next start all recovery, unless anything failed. Failures are only reported: they
 * do not keep other directories from their marker. Logs of `unsynced` are left as they are. `brokerEpoch` is -1 when the broker never registered.
 */
export function closeDirectory(
  directory: LogDirectory,
  brokerEpoch: number,
  unsynced: ReadonlyMap<PartitionLog, unknown>,
  modules: LogShutdownModules,
): void {
  if (directory.offline) return;
  try {
    // Before leader epochs below the log starts are forgotten.
    directory.writeLogStartOffsets();
    const isComplete = closeLogs(directory, unsynced, modules);
    directory.writeRecoveryPoints();
    directory.writeHighWatermarks(isReplicated);
    if (!isComplete || directory.offline || modules.flushScheduler.failure !== null) return;
    modules.journals.of(directory)?.removeNow();
    directory.writeCleanShutdownMarker(brokerEpoch);
  } catch (error) {
    closeFailed(directory, error, modules);
  }
}

/** Whether all logs could be closed: one that could not does not keep the others from it. */
function closeLogs(
  directory: LogDirectory,
  unsynced: ReadonlyMap<PartitionLog, unknown>,
  modules: LogShutdownModules,
): boolean {
  let isComplete = true;
  for (const log of directory.logs) {
    try {
      if (unsynced.has(log)) throw unsynced.get(log);
      log.close();
    } catch (error) {
      closeFailed(directory, error, modules);
      isComplete = false;
    }
  }
  return isComplete;
}

function closeFailed(directory: LogDirectory, error: unknown, { logger }: LogShutdownModules): void {
  logger.error("log.close-failed", { directory: directory.path, error: String(error) });
}
