import type { BrokerConfig } from "../../config/index.ts";

/** The settings of the journal of a log directory: `samsa.log.journal.*`. */
export interface JournalOptions {
  /** Size of one of its files, of which it has {@link fileCount} at most. They are made when they are first needed. */
  readonly fileSizeBytes: number;
  readonly fileCount: number;
  /** With fewer logs to make durable in one round their files are synced. */
  readonly minLogs: number;
  /**
   * A log with more than this to make durable in one round has its own file synced. Bytes in the journal are written twice, and that takes as long as
   * a sync does from a few tens of KiB on.
   */
  readonly extentMaxBytes: number;
  /** Journal files are let go of once they hold so many bytes for each file that has to be synced for it, or when half of the room is taken. */
  readonly bytesPerSync: number;
  /** Files synced at the same time to let go of journal files when room runs short; one at a time otherwise, beside the rounds. */
  readonly syncParallelism: number;
  /** The journal is made once so many rounds would have used it. */
  readonly roundsBefore: number;
}

export const DEFAULT_JOURNAL_OPTIONS: JournalOptions = Object.freeze({
  fileSizeBytes: 16 * 1024 * 1024,
  fileCount: 16,
  minLogs: 2,
  extentMaxBytes: 32 * 1024,
  bytesPerSync: 512 * 1024,
  syncParallelism: 2,
  roundsBefore: 20,
});

/** The settings of a broker; null when journals are turned off. */
export function journalOptions(config: BrokerConfig): JournalOptions | null {
  if (!config.get("samsa.log.journal.enable")) return null;
  return {
    fileSizeBytes: config.get("samsa.log.journal.file.bytes"),
    fileCount: config.get("samsa.log.journal.files"),
    minLogs: config.get("samsa.log.journal.min.logs"),
    extentMaxBytes: config.get("samsa.log.journal.extent.max.bytes"),
    bytesPerSync: DEFAULT_JOURNAL_OPTIONS.bytesPerSync,
    syncParallelism: config.get("samsa.log.journal.sync.parallelism"),
    roundsBefore: DEFAULT_JOURNAL_OPTIONS.roundsBefore,
  };
}
