/**
 * `node bench/log.ts [--quick]`: group commit of the log alone, in one process.
 *
 * Appends of small batches and of 64 KiB batches over 1 to 1,000 partitions. Prints one line a measurement; latencies are from append to durable.
 * `samsa bench log` measures the rest of the log: reads, look-ups by offset and by key, the append path, opening.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { BENCH_TOPIC_ID, openLogs, producedBatch } from "../src/cli/commands/bench/log/storage.ts";
import { DEFAULT_LOG_CONFIG } from "../src/log/log-config.ts";
import type { LogManager } from "../src/log/log-manager.ts";
import type { PartitionLog } from "../src/log/partition-log.ts";
import { createNodePlatform } from "../src/platform/node.ts";

const isQuick = process.argv.includes("--quick");
const DURATION_MS = isQuick ? 500 : 3000;
const platform = createNodePlatform();

async function withLogs(work: (logs: LogManager) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "samsa-bench-log-"));
  try {
    const logs = await openLogs(directory, platform);
    await work(logs);
    await logs.close();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function createLogs(logs: LogManager, count: number): PartitionLog[] {
  return Array.from({ length: count }, (_, index) => logs.create("bench", BENCH_TOPIC_ID, index, DEFAULT_LOG_CONFIG));
}

/** `writers` loops, each appending a batch to the next partition and waiting for it to be durable. */
async function groupCommit(partitions: number, writers: number, batch: Buffer, durable = true): Promise<void> {
  await withLogs(async logs => {
    const all = createLogs(logs, partitions);
    await Promise.all(all.map(log => logs.flush(log)));
    const latencies: number[] = [];
    const startRounds = logs.flushScheduler.roundCount;
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    const endMs = startedMs + DURATION_MS;
    let next = 0;
    const writer = async (): Promise<void> => {
      // Stands for the receive buffer: the log must copy, for it is used again.
      const buffer = Buffer.from(batch);
      for (;;) {
        const beforeMs = performance.now();
        if (beforeMs >= endMs) return;
        const log = all[next++ % partitions]!;
        batch.copy(buffer);
        const outcome = log.append(buffer, {
          leaderEpoch: 0,
          origin: "client",
          retain: false,
          nowMs: platform.clock.now(),
        });
        if (!outcome.ok) throw new Error(outcome.message);
        if (durable) await logs.flush(log);
        else if (next % 64 === 0) await new Promise(setImmediate);
        latencies.push(performance.now() - beforeMs);
      }
    };
    await Promise.all(Array.from({ length: writers }, writer));
    const elapsedMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(cpu);
    const count = latencies.length;
    const rounds = logs.flushScheduler.roundCount - startRounds;
    print(
      `${batch.length} B batches, ${partitions} partitions, ${writers} writers${durable ? "" : ", not waiting"}`,
      `${perSecond(count, elapsedMs)} appends/s, ${megabytes(count * batch.length, elapsedMs)}, ` +
        `${((user + system) / count).toFixed(1)} µs CPU each, ${rounds} flushes of ${(count / Math.max(rounds, 1)).toFixed(0)}, ` +
        percentiles(latencies),
    );
  });
}

function print(name: string, figures: string): void {
  console.log(`${name.padEnd(58)} ${figures}`);
}

function perSecond(count: number, elapsedMs: number): string {
  return Math.round((count * 1000) / elapsedMs).toLocaleString("en");
}

function megabytes(bytes: number, elapsedMs: number): string {
  return `${Math.round(bytes / 1000 / elapsedMs).toLocaleString("en")} MB/s`;
}

function percentiles(latencies: number[]): string {
  latencies.sort((a, b) => a - b);
  const at = (share: number): string => (latencies[Math.floor((latencies.length - 1) * share)] ?? 0).toFixed(3);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}

const small = producedBatch(platform, 1, 100);
for (const [partitions, writers] of [
  [1, 1],
  [1, 64],
  [6, 64],
  [6, 512],
  [64, 512],
  [1000, 2000],
] as const) {
  await groupCommit(partitions, writers, small);
}
await groupCommit(6, 1, small, false);
const large = producedBatch(platform, 64, 1000);
for (const partitions of [1, 6, 64]) await groupCommit(partitions, 128, large);
await groupCommit(6, 1, large, false);
