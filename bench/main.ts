/**
 * `npm run bench [-- --quick] [-- --only name,name] [-- --without-kafka]`
 *
 * Measures Samsa side by side with Apache Kafka on this machine: same loads, same topics, the same bytes from the same load generator, the two
 * brokers in turn, never at once. Prints a table and writes it with all figures to bench/results/.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, platform, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { kafkaToolsMissing } from "../compat-tests/support/kafka-tools.ts";
import { createTopic, deleteTopic } from "./admin.ts";
import { type Measurement, runLoad } from "./load/run-load.ts";
import type { Load } from "./load/worker.ts";
import { processUsage } from "./process-usage.ts";
import { markdownOf, type Report, type StartFigures } from "./report.ts";
import { startKafka } from "./systems/kafka.ts";
import { startSamsa } from "./systems/samsa.ts";
import type { System } from "./systems/system.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

const RESULTS = fileURLToPath(new URL("./results/", import.meta.url));

const isQuick = process.argv.includes("--quick");
const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1]!.split(",") : null;
const timing = isQuick
  ? { rounds: 1, warmupMs: 3000, durationMs: 4000 }
  : { rounds: 3, warmupMs: 5000, durationMs: 8000 };
const chosen = WORKLOADS.filter(
  workload =>
    only === null ||
    only.includes(workload.name) ||
    WORKLOADS.some(other => only.includes(other.name) && other.after === workload.name),
);

const dataRoot = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "samsa-bench-"));
const starters: ((root: string) => Promise<System>)[] = [startSamsa];
const missing = process.argv.includes("--without-kafka") ? "left out as asked" : kafkaToolsMissing();
if (missing === null) starters.push(startKafka);
else console.log(`Apache Kafka is not measured: ${missing}`);

const systems = new Map<string, string>();
const starts: Record<string, StartFigures[]> = {};
const rounds = new Map<Workload, Record<string, Measurement[]>>(chosen.map(workload => [workload, {}]));

try {
  for (let round = 0; round < timing.rounds; round++) {
    for (const start of starters) {
      const system = await start(dataRoot);
      systems.set(system.name, system.description);
      addTo(starts, system.name, {
        startMs: system.startMs,
        memoryBytes: processUsage(system.pid)?.memoryBytes ?? null,
      });
      try {
        await measureAll(system, round);
      } finally {
        await system.stop();
      }
    }
  }
} finally {
  rmSync(dataRoot, { recursive: true, force: true });
}

const report: Report = {
  machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()}`,
  date: new Date().toISOString().slice(0, 10),
  systems: [...systems].map(([name, description]) => ({ name, description })),
  starts,
  workloads: chosen.map(workload => ({ workload, rounds: rounds.get(workload)! })),
};
mkdirSync(RESULTS, { recursive: true });
const file = join(RESULTS, `${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}${isQuick ? "-quick" : ""}`);
writeFileSync(`${file}.json`, `${JSON.stringify(report, null, 1)}\n`);
writeFileSync(`${file}.md`, markdownOf(report));
console.log(`\n${markdownOf(report)}\nwritten to ${file}.{json,md}`);

async function measureAll(system: System, round: number): Promise<void> {
  for (const workload of chosen) {
    const topic = `${workload.after ?? workload.name}-${round}`;
    if (workload.after === undefined) await createTopic(system.address, topic, workload.partitions);
    const load = { ...workload.load, ...timing, address: system.address, topic } as Load;
    const measurement = await runLoad(system, load);
    addTo(rounds.get(workload)!, system.name, measurement);
    console.log(
      `${system.name.padEnd(8)} round ${round + 1} ${workload.name.padEnd(14)} ${describe(workload, measurement)}`,
    );
    const isNeeded = chosen.some(other => other.after === workload.name);
    if (!isNeeded) await deleteTopic(system.address, topic);
  }
}

function addTo<T>(lists: Record<string, T[]>, name: string, item: T): void {
  lists[name] = [...(lists[name] ?? []), item];
}

function describe(workload: Workload, measurement: Measurement): string {
  const { seconds, records, valueBytes, latency, brokerCpuSeconds } = measurement;
  const perSecond =
    workload.unit === "megabytes"
      ? `${(valueBytes / 1e6 / seconds).toFixed(0)} MB/s`
      : `${(records / seconds / 1000).toFixed(0)} K records/s`;
  return `${perSecond}, p50 ${latency.p50Ms.toFixed(2)} p99 ${latency.p99Ms.toFixed(2)} p99.9 ${latency.p999Ms.toFixed(2)} ms, broker CPU ${brokerCpuSeconds?.toFixed(2)} s of ${seconds.toFixed(1)}`;
}
