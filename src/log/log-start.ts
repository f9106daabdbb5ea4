/** Opening the logs of all directories at a start, those of replicas that were moving between two included. */
import type { Logger } from "../logging/index.ts";
import { joinPath } from "../platform/files.ts";
import type { Disk } from "../platform/platform.ts";
import { METADATA_DIRECTORY, parseDirectoryName } from "./file-names.ts";
import { type FutureLogs, isNewer } from "./future-logs.ts";
import type { LogConfig } from "./log-config.ts";
import type { LogDeletions } from "./log-deletions.ts";
import type { LogDirectories } from "./log-directories.ts";
import { type LogDirectory, removeDirectoryAsync } from "./log-directory.ts";
import type { LogOpener } from "./log-opener.ts";
import type { LogRegistry } from "./log-registry.ts";
import { forEachParallel } from "./parallel.ts";

export interface LogStartOptions {
  /** Logs opened at the same time. */
  readonly parallelism: number;
  readonly configOf: (topic: string) => LogConfig;
}

export interface LogStartModules {
  readonly disk: Disk;
  readonly logger: Logger;
  readonly directories: LogDirectories;
  readonly opener: LogOpener;
  readonly registry: LogRegistry;
  readonly futures: FutureLogs;
  readonly deletions: LogDeletions;
  /** Removes files once the delay has passed. */
  readonly removeLater: (delayMs: number, remove: () => Promise<void>) => void;
}

/** Opens all logs, recovering those that were not closed cleanly, into the registry. Returns how many there are on the disks. */
export async function openLogs(options: LogStartOptions, modules: LogStartModules): Promise<number> {
  const { directories, futures, disk } = modules;
  const work: (() => Promise<void>)[] = [];
  const copies: (() => Promise<void>)[] = [];
  for (const directory of directories.open()) {
    for (const name of directories.list(directory)) {
      const parsed = parseDirectoryName(name);
      if (parsed.kind === "deleted")
        modules.removeLater(0, () => removeDirectoryAsync(disk, joinPath(directory.path, name)));
      if (parsed.kind === "future")
        copies.push(() => futures.open(directory, name, parsed, options.configOf(parsed.topic)));
      if (parsed.kind !== "partition" || name === METADATA_DIRECTORY) continue;
      work.push(() => openOne(directory, name, parsed, options.configOf(parsed.topic), modules));
    }
  }
  await forEachParallel(work, options.parallelism, open => open());
  await forEachParallel(copies, options.parallelism, open => open());
  return work.length;
}

async function openOne(
  directory: LogDirectory,
  name: string,
  topicPartition: { readonly topic: string; readonly partition: number },
  config: LogConfig,
  modules: LogStartModules,
): Promise<void> {
  const { directories, opener, registry, deletions, logger } = modules;
  if (directory.offline) return directories.leaveClosed(directory, name);
  try {
    const log = await opener.load(directory, name, topicPartition, config);
    // Another log of the directory may have taken it offline meanwhile.
    if (directory.offline) return directories.leaveClosed(directory, name, log);
    const other = registry.get(topicPartition.topic, topicPartition.partition);
    if (other === undefined) return registry.add(log);
    if (other.topicPartition.topicId !== log.topicPartition.topicId) {
      directory.logs.delete(log);
      throw new Error(`${name} is in two log directories`);
    }
    // A move between directories was cut short when the copy had taken over.
    const [kept, given] = isNewer(log, other) ? [log, other] : [other, log];
    logger.warn("log.duplicate", { partition: name, kept: kept.directory, removed: given.directory });
    const holder = directories.holding(given);
    registry.remove(topicPartition.topic, topicPartition.partition);
    registry.add(kept);
    if (holder !== undefined) deletions.retire(given, holder);
  } catch (error) {
    directories.openFailed(directory, name, error);
  }
}
