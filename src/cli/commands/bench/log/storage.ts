/** Logs for the benchmarks: the broker's own, over a directory of their own. */
import { setBaseOffset } from "../../../../../protocol/records/batch.ts";
import { BatchBuilder } from "../../../../../protocol/records/builder.ts";
import {
  DEFAULT_LOG_CONFIG,
  defaultLogManagerOptions,
  type LogConfig,
  LogManager,
  type PartitionLog,
} from "../../../../log/index.ts";
import { nullLogger } from "../../../../logging/index.ts";
import { Metrics } from "../../../../metrics/index.ts";
import type { Platform } from "../../../../platform/platform.ts";

export const BENCH_TOPIC_ID = "dGVzdC10b3BpYy1pZC0xMg";

/** Opens the logs below `directory`, which exists. A failure of the disk ends the process. */
export async function openLogs(
  directory: string,
  platform: Platform,
  config: LogConfig = DEFAULT_LOG_CONFIG,
): Promise<LogManager> {
  const onFatal = (error: unknown): never => {
    throw error;
  };
  const options = { ...defaultLogManagerOptions(directory), configOf: () => config };
  const logs = new LogManager(options, { platform, logger: nullLogger, metrics: new Metrics(), onFatal });
  await logs.open();
  return logs;
}

/** A batch as a producer sends it: `count` records of `sizeBytes` random bytes. */
export function producedBatch(platform: Platform, count: number, sizeBytes: number): Buffer {
  const builder = new BatchBuilder();
  const value = platform.random.bytes(sizeBytes);
  const timestamp = platform.clock.now();
  for (let index = 0; index < count; index++) builder.append({ timestamp, key: null, value });
  return builder.build();
}

/** Lets the writes of this tick happen. */
export function endOfTick({ timers }: Platform): Promise<void> {
  return new Promise(resolve => timers.endOfTick(resolve));
}

/** Appends `batch`, which the log copies, and so may be appended again. */
export function appendBatch(log: PartitionLog, batch: Buffer, { clock }: Platform): void {
  setBaseOffset(batch, 0, 0);
  const outcome = log.append(batch, { leaderEpoch: 0, origin: "client", retain: false, nowMs: clock.now() });
  if (!outcome.ok) throw new Error(outcome.message);
}
