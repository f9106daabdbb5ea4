/**
 * `node bench/log.ts [--quick]`: the log alone, in one process.
 *
 * Appends of small batches over 1 to 1,000 partitions with group commit, appends of 64 KiB batches, reads from the tail cache and from files, and
 * look-ups in a loaded index. Prints one line a measurement; latencies are from append to durable.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { BatchBuilder } from "../protocol/records/builder.ts";
import { DEFAULT_LOG_CONFIG } from "../src/log/log-config.ts";
import { LogManager } from "../src/log/log-manager.ts";
import { defaultLogManagerOptions } from "../src/log/log-manager-options.ts";
import { OffsetIndex } from "../src/log/offset-index.ts";
import type { PartitionLog } from "../src/log/partition-log.ts";
import { nullLogger } from "../src/logging/index.ts";
import { Metrics } from "../src/metrics/index.ts";
import { createNodePlatform } from "../src/platform/node.ts";

const TOPIC_ID = "dGVzdC10b3BpYy1pZC0xMg";
const isQuick = process.argv.includes("--quick");
const DURATION_MS = isQuick ? 500 : 3000;
const platform = createNodePlatform();

/** A batch as a producer sends it: `count` records of `sizeBytes` each. */
function producedBatch(count: number, sizeBytes: number): Buffer {
  const builder = new BatchBuilder();
  const value = platform.random.bytes(sizeBytes);
  const timestamp = platform.clock.now();
  for (let index = 0; index < count; index += 1) builder.append({ timestamp, key: null, value });
  return builder.build();
}

async function withLogs(work: (logs: LogManager) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "samsa-bench-log-"));
  const options = { ...defaultLogManagerOptions(directory), configOf: () => DEFAULT_LOG_CONFIG };
  const logs = new LogManager(options, {
    platform,
    logger: nullLogger,
    metrics: new Metrics(),
    onFatal: error => {
      throw error;
    },
  });
  try {
    await logs.open();
    await work(logs);
    await logs.close();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function createLogs(logs: LogManager, count: number): PartitionLog[] {
  return Array.from({ length: count }, (_, index) => logs.create("bench", TOPIC_ID, index, DEFAULT_LOG_CONFIG));
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

async function reads(): Promise<void> {
  await withLogs(async logs => {
    const [log] = createLogs(logs, 1) as [PartitionLog];
    const batch = producedBatch(64, 1000);
    const totalBytes = (isQuick ? 128 : 512) * 1024 * 1024;
    while (log.sizeBytes < totalBytes) {
      log.append(Buffer.from(batch), { leaderEpoch: 0, origin: "client", retain: true, nowMs: platform.clock.now() });
      if (log.logEndOffset % 4096 === 0) await new Promise(setImmediate);
    }
    await logs.flush(log);
    const end = log.logEndOffset;
    for (const [name, from, to] of [
      ["from the tail cache", end - 32 * 1024, end],
      ["from files", 0, end - 128 * 1024],
    ] as const) {
      const latencies: number[] = [];
      let bytes = 0;
      const startedMs = performance.now();
      while (performance.now() - startedMs < DURATION_MS) {
        for (let offset = from; offset < to; ) {
          const beforeMs = performance.now();
          const outcome = log.read(offset, 1024 * 1024, to, { minOneBatch: true });
          const found = outcome instanceof Promise ? await outcome : outcome;
          latencies.push(performance.now() - beforeMs);
          if (!found.ok || found.sizeBytes === 0) throw new Error(`nothing at ${offset}`);
          bytes += found.sizeBytes;
          offset = found.firstOffset + (found.sizeBytes / batch.length) * 64;
        }
      }
      const elapsedMs = performance.now() - startedMs;
      print(`read 1 MiB ${name}`, `${megabytes(bytes, elapsedMs)}, ${percentiles(latencies)}`);
    }
  });
}

function lookups(): void {
  const index = new OffsetIndex(0);
  const count = 250_000;
  for (let entry = 1; entry <= count; entry += 1) index.append(entry * 40, entry * 4200);
  const probes = isQuick ? 1_000_000 : 10_000_000;
  let sum = 0;
  const startedMs = performance.now();
  for (let probe = 0; probe < probes; probe += 1) sum += index.positionFor((probe * 7919) % (count * 40));
  const elapsedMs = performance.now() - startedMs;
  print(`look-ups in an index of ${count} entries`, `${perSecond(probes, elapsedMs)} /s (${sum > 0 ? "ok" : "?"})`);
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

const small = producedBatch(1, 100);
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
const large = producedBatch(64, 1000);
for (const partitions of [1, 6, 64]) await groupCommit(partitions, 128, large);
await groupCommit(6, 1, large, false);
await reads();
lookups();
