/** The public face of the log room. */
export type { AppendOptions, AppendOutcome, AppendRefusal } from "./append.ts";
export { type Flushable, FlushScheduler } from "./flush-scheduler.ts";
export { DEFAULT_LOG_CONFIG, type LogConfig, logConfigOf } from "./log-config.ts";
export type { LogDirectory } from "./log-directory.ts";
export type { TopicPartition } from "./log-host.ts";
export { LogCorruptError } from "./log-loader.ts";
export type { TimestampAndOffset } from "./log-lookup.ts";
export { LogManager, type LogManagerModules } from "./log-manager.ts";
export { defaultLogManagerOptions, type LogManagerOptions, logManagerOptions } from "./log-manager-options.ts";
export type { ReadOptions, ReadOutcome } from "./log-reader.ts";
export { PartitionLog } from "./partition-log.ts";
export { ZERO_UUID } from "./partition-metadata.ts";
export { ReadBuffers, ReadLease } from "./read-buffers.ts";
export type { SharedMemory } from "./tail-cache.ts";
export type { AbortedTransaction } from "./transaction-index.ts";
