/**
 * `node bench/group-commit.ts [--quick]`: what it costs to make appends durable, by the number of partitions written, in one process.
 *
 * Batches of 64 and of 16 records of 1 KiB and of one small record are appended to 6, 64 and 1,000 partitions by as many writers as keep the disk busy;
 * each waits for its batch to be durable. Every line is measured twice, with the journal turned off (one sync a file) and on, in turns, and the best
 * of the turns is printed with all of them. What does not depend on how busy the machine is: syncs of files and of the journal a round, and bytes
 * written for each byte appended. BENCH_DIR chooses the disk; BENCH_PARTITIONS, BENCH_BATCH (64, 16, 1) and BENCH_JOURNAL (on, off) measure only that.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { BatchBuilder } from "../protocol/records/builder.ts";
import { DEFAULT_JOURNAL_OPTIONS } from "../src/log/journal/journal-options.ts";
import { DEFAULT_LOG_CONFIG } from "../src/log/log-config.ts";
import { LogManager } from "../src/log/log-manager.ts";
import { defaultLogManagerOptions } from "../src/log/log-manager-options.ts";
import { nullLogger } from "../src/logging/index.ts";
import { Metrics } from "../src/metrics/index.ts";
import { createNodePlatform } from "../src/platform/node.ts";
import type { Disk } from "../src/platform/platform.ts";

process.env.UV_THREADPOOL_SIZE ??= "8";

const TOPIC_ID = "dGVzdC10b3BpYy1pZC0xMg";
const isQuick = process.argv.includes("--quick");
const DURATION_MS = Number(process.env.BENCH_MS ?? (isQuick ? 1500 : 4000));
const TURNS = isQuick ? 1 : 3;
const platform = createNodePlatform();

interface Figures {
  readonly appendsPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly cpuMicros: number;
  readonly roundsPerSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly fileSyncsPerRound: number;
  readonly journalSyncsPerRound: number;
  /** Bytes written to all files for each byte appended. */
  readonly writeAmplification: number;
}

/** What a disk was asked for. */
class DiskCounts {
  fileSyncs = 0;
  journalSyncs = 0;
  writtenBytes = 0;

  reset(): void {
    this.fileSyncs = this.journalSyncs = this.writtenBytes = 0;
  }

  /** `disk`, whose files are counted. */
  counting(disk: Disk): Disk {
    const open: Disk["open"] = (path, mode) => {
      const file = disk.open(path, mode);
      const isJournal = path.includes("samsa.journal");
      const sync = file.sync.bind(file);
      const writev = file.writev.bind(file);
      file.sync = () => {
        if (isJournal) this.journalSyncs += 1;
        else this.fileSyncs += 1;
        return sync();
      };
      file.writev = (buffers, position) => {
        for (const { length } of buffers) this.writtenBytes += length;
        writev(buffers, position);
      };
      return file;
    };
    return Object.assign(Object.create(disk), { open }) as Disk;
  }
}

/** A batch as a producer sends it: `count` records of `sizeBytes` each. */
function producedBatch(count: number, sizeBytes: number): Buffer {
  const builder = new BatchBuilder();
  const value = platform.random.bytes(sizeBytes);
  const timestamp = platform.clock.now();
  for (let index = 0; index < count; index += 1) builder.append({ timestamp, key: null, value });
  return builder.build();
}

/** `writers` loops, each appending a batch to the next partition and waiting for it to be durable. */
async function measure(partitions: number, writers: number, batch: Buffer, isJournaled: boolean): Promise<Figures> {
  const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "samsa-bench-commit-"));
  const options = { ...defaultLogManagerOptions(directory), journal: isJournaled ? DEFAULT_JOURNAL_OPTIONS : null };
  const onFatal = (error: unknown): never => {
    throw error;
  };
  const counts = new DiskCounts();
  const counted = { ...platform, disk: counts.counting(platform.disk) };
  const logs = new LogManager(options, { platform: counted, logger: nullLogger, metrics: new Metrics(), onFatal });
  try {
    await logs.open();
    const all = Array.from({ length: partitions }, (_, index) =>
      logs.create("bench", TOPIC_ID, index, DEFAULT_LOG_CONFIG),
    );
    const latencies: number[] = [];
    let next = 0;
    let endMs = 0;
    const writer = async (): Promise<void> => {
      while (performance.now() < endMs) {
        const beforeMs = performance.now();
        const log = all[next++ % partitions]!;
        // The receive buffer of a large request is the log's to keep.
        const buffer = Buffer.from(batch);
        const nowMs = platform.clock.now();
        const outcome = log.append(buffer, { leaderEpoch: 0, origin: "client", retain: true, nowMs });
        if (!outcome.ok) throw new Error(outcome.message);
        await logs.flush(log);
        latencies.push(performance.now() - beforeMs);
      }
    };
    const run = async (durationMs: number): Promise<void> => {
      latencies.length = 0;
      endMs = performance.now() + durationMs;
      await Promise.all(Array.from({ length: writers }, writer));
    };
    // New files are synced with their directories, and the journal is made once it pays: neither is what is measured.
    await logs.prepareJournals();
    await run(DURATION_MS);
    const startRounds = logs.flushScheduler.roundCount;
    counts.reset();
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    await run(DURATION_MS);
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const rounds = logs.flushScheduler.roundCount - startRounds;
    latencies.sort((a, b) => a - b);
    const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)] ?? 0;
    return {
      appendsPerSecond: latencies.length / seconds,
      megabytesPerSecond: (latencies.length * batch.length) / 1e6 / seconds,
      cpuMicros: (user + system) / latencies.length,
      roundsPerSecond: rounds / seconds,
      medianMs: at(0.5),
      p99Ms: at(0.99),
      fileSyncsPerRound: counts.fileSyncs / rounds,
      journalSyncsPerRound: counts.journalSyncs / rounds,
      writeAmplification: counts.writtenBytes / (latencies.length * batch.length),
    };
  } finally {
    await logs.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function textOf(figures: Figures, batch: Buffer): string {
  const { fileSyncsPerRound, journalSyncsPerRound, writeAmplification } = figures;
  const rate =
    batch === SMALL
      ? `${Math.round(figures.appendsPerSecond).toLocaleString("en")}/s, ${figures.cpuMicros.toFixed(1)} µs CPU each`
      : `${Math.round(figures.megabytesPerSecond)} MB/s, ${((figures.cpuMicros / batch.length) * 1e3).toFixed(2)} CPU-s/GB`;
  const disk = `syncs a round ${fileSyncsPerRound.toFixed(1)} + ${journalSyncsPerRound.toFixed(1)}, bytes ×${writeAmplification.toFixed(1)}`;
  return `${rate}, ${Math.round(figures.roundsPerSecond)} rounds/s, p50 ${figures.medianMs.toFixed(1)} p99 ${figures.p99Ms.toFixed(1)} ms, ${disk}`;
}

const LARGE = producedBatch(64, 1000);
const MIDDLE = producedBatch(16, 1000);
const SMALL = producedBatch(1, 100);
const chosenPartitions = Number(process.env.BENCH_PARTITIONS ?? 0);
const chosenBatch = Number(process.env.BENCH_BATCH ?? 0);
const MODES = [false, true].filter(
  isOn => (process.env.BENCH_JOURNAL ?? (isOn ? "on" : "off")) === (isOn ? "on" : "off"),
);

// As many batches are under way however many partitions they are for: 16, 8 and a third of a MiB, as a few producers have in their buffers.
for (const [name, count, batch, writers] of [
  ["64 KiB batches", 64, LARGE, 256],
  ["16 KiB batches", 16, MIDDLE, 512],
  ["170 B batches", 1, SMALL, 2000],
] as const) {
  if (chosenBatch > 0 && count !== chosenBatch) continue;
  const base = new Map<boolean, number>();
  for (const partitions of [6, 64, 1000]) {
    if (chosenPartitions > 0 && partitions !== chosenPartitions) continue;
    const turns = new Map<boolean, Figures[]>(MODES.map(isJournaled => [isJournaled, []]));
    for (let turn = 0; turn < TURNS; turn += 1)
      for (const isJournaled of MODES)
        turns.get(isJournaled)!.push(await measure(partitions, writers, batch, isJournaled));
    for (const [isJournaled, all] of turns) {
      const best = all.toSorted((a, b) => b.appendsPerSecond - a.appendsPerSecond)[0]!;
      base.set(isJournaled, base.get(isJournaled) ?? best.appendsPerSecond);
      const share = (best.appendsPerSecond / base.get(isJournaled)!).toFixed(2);
      const rates = all.map(({ appendsPerSecond }) => Math.round(appendsPerSecond).toLocaleString("en")).join(" ");
      const label = `${name}, ${partitions} partitions, ${writers} writers, journal ${isJournaled ? "on" : "off"}`;
      console.log(`${label.padEnd(66)} ${share} of 6: ${textOf(best, batch)} (${rates})`);
    }
  }
}
