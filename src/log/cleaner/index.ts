/** The public face of log compaction. */

export {
  type CleanedSegment,
  type CleaningJob,
  type CleaningResult,
  type CleaningStep,
  cleanLog,
} from "./clean-log.ts";
export type { CleanableLog, CompactionConfig } from "./cleanable-log.ts";
export { type CleaningHooks, type CleaningRunner, InlineCleaning } from "./cleaning-runner.ts";
export { createCleaner } from "./create-cleaner.ts";
export { type Found, KeyIndex, type KeyIndexOptions } from "./key-index.ts";
export {
  type CleanerObserver,
  type CleanerOptions,
  cleanerOptions,
  DEFAULT_CLEANER_OPTIONS,
  LogCleaner,
} from "./log-cleaner.ts";
export { CleaningError } from "./segment-source.ts";
export { discardCleanedFiles, swapSegmentFiles } from "./segment-swap.ts";
export { ThreadCleaning } from "./thread-cleaning.ts";
