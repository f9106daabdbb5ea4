/** A long run below the maximum: whether memory grows, latencies stay, and the garbage collector keeps out of the way. */
import { createTopics } from "../admin.ts";
import { GcLog } from "../gc-log.ts";
import { CONSUME_DEFAULTS, PRODUCE_DEFAULTS } from "../load/loads.ts";
import { TABLE_ROWS } from "../load/rows.ts";
import { runLoad, type Sample } from "../load/run-load.ts";
import { processUsage } from "../process-usage.ts";
import { median, slope } from "../report/statistics.ts";
import type { Bench, Scenario } from "../scenario.ts";
import { startSamsa } from "../systems/samsa.ts";
import type { System } from "../systems/system.ts";

const SHARE_OF_MAXIMUM = 0.7;
const WARM_UP_MS = 10_000;
const MAXIMUM_MS = 10_000;
const SAMPLES = 180;
const SHORTEST_SAMPLE_MS = 2000;
/** What is read was written just now; older files go, or the disk would be full after some minutes. */
const RETENTION = {
  "log.segment.bytes": String(64 * 2 ** 20),
  "log.retention.bytes": String(256 * 2 ** 20),
  "log.retention.check.interval.ms": "5000",
};

const percent = Math.round(SHARE_OF_MAXIMUM * 100);

export const soak: Scenario = {
  name: "soak",
  title: "A long run below the maximum",
  text: `Samsa alone: 1 KiB records, 16 a batch, to 6 partitions at ${percent} % of the rate that was the maximum for ${MAXIMUM_MS / 1000} s before, while a consumer reads what is written and retention removes it. Pauses of the garbage collector are those that V8 traces (\`--trace-gc\`). Memory's slope is a line through the second half; the drift of p99 is the median of the last third against that of the first.`,
  axis: "minutes",
  columns: [
    "megabytesPerSecond",
    "brokerCores",
    "p50Ms",
    "p99Ms",
    "maxMs",
    "p99Drift",
    "memoryMebibytes",
    "slopeMebibytesPerHour",
    "pauseMs",
    "pauseShare",
  ],
  plots: ["p99Ms", "memoryMebibytes", "pauseMs", "brokerCores"],
  isTimeline: true,
  isOnDemand: true,
  async run(bench) {
    const gcLog = new GcLog();
    await bench.fleet.stop();
    const nodeFlags = ["--trace-gc"];
    const onOutput = (text: string): void => gcLog.take(text);
    const started = startSamsa(bench.options.dataDir, { overrides: RETENTION, nodeFlags, onOutput });
    const system = await bench.fleet.add(started);
    try {
      await measure(bench, system, gcLog);
    } finally {
      await bench.fleet.release(system);
    }
  },
};

async function measure(bench: Bench, { address, pid, name }: System, gcLog: GcLog): Promise<void> {
  const topic = bench.newTopic("soak");
  await createTopics(address, [topic], { partitions: PRODUCE_DEFAULTS.partitions });
  const produce = { ...PRODUCE_DEFAULTS, ...TABLE_ROWS.partitions6.produce, address, topics: [topic] };
  const durationMs = bench.options.soakMinutes * 60_000;
  const consume = { ...CONSUME_DEFAULTS, address, topic, recordSizeBytes: produce.recordSizeBytes, isTail: true };
  const totalMs = WARM_UP_MS + MAXIMUM_MS + durationMs;
  // It ends with the broker; what is measured is the producer.
  const reader = runLoad([], { ...consume, warmupMs: 0, durationMs: totalMs + 30_000 });
  reader.catch(() => {});
  await bench.untilQuiet();
  const most = await runLoad([pid], { ...produce, warmupMs: WARM_UP_MS, durationMs: MAXIMUM_MS });
  const requestsPerSecond = Math.floor((most.requests / most.seconds) * SHARE_OF_MAXIMUM);
  console.log(`the maximum: ${Math.round(most.requests / most.seconds)} requests/s; ${requestsPerSecond} from now on`);

  gcLog.reset();
  let before = processUsage(pid);
  let elapsedSeconds = 0;
  const points: { seconds: number; mebibytes: number; p99Ms: number; pauseMs: number; pausedMs: number }[] = [];
  const onSample = ({ seconds, requests, latency }: Sample): void => {
    const after = processUsage(pid);
    elapsedSeconds += seconds;
    const { longestMs, totalMs } = gcLog.reset();
    const mebibytes = (after?.memoryBytes ?? Number.NaN) / 2 ** 20;
    points.push({
      ...{ seconds: elapsedSeconds, mebibytes, p99Ms: latency.p99Ms },
      ...{ pauseMs: longestMs, pausedMs: totalMs },
    });
    const place = { scenario: "soak", system: name, round: 0, at: Number((elapsedSeconds / 60).toFixed(2)) };
    bench.record(place, {
      ...{ megabytesPerSecond: bytesOf(requests) / 1e6 / seconds },
      ...(before === null || after === null ? null : { brokerCores: (after.cpuSeconds - before.cpuSeconds) / seconds }),
      ...{ p50Ms: latency.p50Ms, p99Ms: latency.p99Ms, p999Ms: latency.p999Ms, maxMs: latency.maxMs },
      ...{ memoryMebibytes: mebibytes, pauseMs: longestMs, pauseShare: totalMs / (seconds * 10) },
    });
    before = after;
  };
  const bytesOf = (requests: number): number => requests * produce.recordsPerBatch * produce.recordSizeBytes;
  const samplePeriodMs = Math.max(SHORTEST_SAMPLE_MS, durationMs / SAMPLES);
  const load = { ...produce, pipeline: 0, requestsPerSecond, samplePeriodMs, warmupMs: 0, durationMs };
  const whole = await runLoad([pid], load, onSample);

  const third = Math.max(1, Math.floor(points.length / 3));
  const late = points.slice(points.length >> 1);
  bench.record(
    { scenario: "soak", system: name, round: 0, at: `all ${bench.options.soakMinutes} minutes` },
    {
      megabytesPerSecond: whole.valueBytes / 1e6 / whole.seconds,
      ...(whole.brokerCpuSeconds === null ? null : { brokerCores: whole.brokerCpuSeconds / whole.seconds }),
      ...{ p50Ms: whole.latency.p50Ms, p99Ms: whole.latency.p99Ms, p999Ms: whole.latency.p999Ms },
      ...{ maxMs: whole.latency.maxMs, memoryMebibytes: Math.max(...points.map(({ mebibytes }) => mebibytes)) },
      p99Drift:
        median(points.slice(-third).map(({ p99Ms }) => p99Ms)) /
        median(points.slice(0, third).map(({ p99Ms }) => p99Ms)),
      slopeMebibytesPerHour: slope(late.map(({ seconds, mebibytes }) => [seconds / 3600, mebibytes])),
      pauseMs: Math.max(...points.map(({ pauseMs }) => pauseMs)),
      pauseShare: points.reduce((sum, { pausedMs }) => sum + pausedMs, 0) / (elapsedSeconds * 10),
    },
  );
}
