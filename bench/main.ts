/**
 * `npm run bench [-- --quick]`
 *
 * Measures Samsa side by side with Apache Kafka on this machine: same loads, same topics, the same bytes from the same load generator, one
 * broker under load at a time, in turn. Prints each measurement, and writes all with a report and drawings to bench/results/.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, platform, release, totalmem } from "node:os";
import { basename, join } from "node:path";
import { kafkaToolsMissing } from "../compat-tests/support/kafka-tools.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import type { Results } from "./report/markdown.ts";
import { writeReport } from "./report/write.ts";
import { Bench, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { kafka } from "./systems/kafka.ts";
import { samsa } from "./systems/samsa.ts";
import type { Make, System } from "./systems/system.ts";

const options = parseOptions(process.argv.slice(2));
if (options === null) console.log(USAGE);
else if (options.redraw !== null) await redraw(options.redraw, options.outDir);
else await run(options);

async function redraw(file: string, outDir: string): Promise<void> {
  const results: Results = JSON.parse(readFileSync(file, "utf8"));
  console.log(await writeReport(results, SCENARIOS, { outDir, name: basename(file, ".json") }));
}

async function run(given: Options): Promise<void> {
  const started = new Date();
  const loadAverageBefore = loadavg()[0]!;
  if (loadAverageBefore > 0.5)
    console.log(`The machine is busy (load average ${loadAverageBefore.toFixed(2)}): figures will be off.`);
  const dataDir = mkdtempSync(join(given.dataDir, "samsa-bench-"));
  const options = { ...given, dataDir };
  const systems: System[] = [];
  try {
    const makes = makesOf(options);
    for (const make of makes) systems.push(await make.start(dataDir));
    const bench = new Bench(options, { makes, systems });
    const scenarios = chosen(options);
    for (const scenario of scenarios) {
      console.log(`\n${scenario.title}`);
      // What one cannot do must not cost what the others found.
      await scenario.run(bench).catch(error => bench.omit(scenario.name, "all", error));
    }
    const results: Results = {
      date: started.toISOString().slice(0, 10),
      machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()}`,
      systems: systems.map(({ name, description }) => ({ name, description })),
      settings: { rounds: options.rounds, "warm-up": `${options.warmupMs} ms`, measured: `${options.durationMs} ms` },
      minutes: (Date.now() - started.getTime()) / 60_000,
      loadAverageBefore,
      entries: bench.entries,
      omissions: bench.omissions,
    };
    const name = `${started.toISOString().slice(0, 19).replaceAll(":", "-")}${options.isQuick ? "-quick" : ""}`;
    const file = await writeReport(results, scenarios, { outDir: options.outDir, name });
    console.log(`\nThe report: ${file}`);
  } finally {
    for (const system of systems) await system.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function makesOf(options: Options): Make[] {
  if (options.kafkaHome !== null) process.env.TEST_KAFKA_HOME = options.kafkaHome;
  const missing = options.withKafka ? kafkaToolsMissing() : "left out as asked";
  if (missing === null) return [samsa, kafka];
  console.log(`Apache Kafka is not measured, Samsa alone is: ${missing}.`);
  return [samsa];
}

function chosen({ only, isQuick }: Options): readonly Scenario[] {
  const unknown = only?.find(name => !SCENARIOS.some(scenario => scenario.name === name));
  if (unknown !== undefined) {
    throw new Error(`--only ${unknown}: there are ${SCENARIOS.map(({ name }) => name).join(", ")}`);
  }
  return SCENARIOS.filter(scenario => (only === null ? scenario.isQuick || !isQuick : only.includes(scenario.name)));
}
