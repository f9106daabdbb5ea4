/** Puts the cleaner of a log manager together: in threads where the platform has them, with the broker's metrics. */
import type { Logger } from "../../logging/index.ts";
import type { Metrics } from "../../metrics/index.ts";
import type { Platform } from "../../platform/platform.ts";
import type { CleanableLog } from "./cleanable-log.ts";
import { type CleaningRunner, InlineCleaning } from "./cleaning-runner.ts";
import { type CleanerOptions, LogCleaner } from "./log-cleaner.ts";
import { ThreadCleaning } from "./thread-cleaning.ts";

export interface CreateCleanerModules {
  readonly platform: Platform;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** All logs of which some may be compacted. */
  readonly logs: () => Iterable<CleanableLog>;
}

/** Null when `options` are: compaction is turned off. */
export function createCleaner(options: CleanerOptions | null, modules: CreateCleanerModules): LogCleaner | null {
  if (options === null) return null;
  const { disk, timers, clock, random, threads } = modules.platform;
  const { metrics, logger, logs } = modules;
  const newRunner = (): CleaningRunner =>
    threads === undefined ? new InlineCleaning({ disk, timers, clock }) : new ThreadCleaning({ threads });
  const duration = metrics.histogram("samsa_log_cleaning_duration_seconds");
  const readBytes = metrics.counter("samsa_log_cleaner_read_bytes_total");
  const writtenBytes = metrics.counter("samsa_log_cleaner_written_bytes_total");
  const dirtyRatio = metrics.gauge("samsa_log_cleaner_dirty_ratio");
  const uncleanable = metrics.gauge("samsa_log_cleaner_uncleanable_logs");
  return new LogCleaner(options, {
    ...{ timers, clock, random, logger, newRunner, logs },
    observer: {
      cleaned: (_log, result, durationMs) => {
        duration.observe(durationMs / 1000);
        readBytes.increment(result.readBytes);
        writtenBytes.increment(result.writtenBytes);
      },
      dirtiness: ratio => dirtyRatio.set(ratio),
      uncleanable: count => uncleanable.set(count),
    },
  });
}
