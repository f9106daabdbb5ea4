/**
 * `npm run bench [-- --quick]`
 *
 * Measures Samsa side by side with Apache Kafka on this machine: same loads, same topics, the same bytes from the same load generator, one
 * broker under load at a time, in turn. Prints each measurement, and writes all with a report and drawings to bench/results/.
 *
 * A run that is cut short, or made in parts, is gone on with by `--resume` and the file that it names when it begins.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, platform, release, totalmem } from "node:os";
import { basename, dirname, join } from "node:path";
import { kafkaToolsMissing } from "../compat-tests/support/kafka-tools.ts";
import { probeDisk } from "./disk-probe.ts";
import { Fleet } from "./fleet.ts";
import { TABLE_ROWS } from "./load/rows.ts";
import { killWorkers } from "./load/run-load.ts";
import { type Options, parseOptions, USAGE } from "./options.ts";
import { writeReport } from "./report/write.ts";
import { Results, type ResultsData, readResults } from "./results.ts";
import { Bench, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { kafka } from "./systems/kafka.ts";
import { samsa } from "./systems/samsa.ts";
import type { Make } from "./systems/system.ts";

const { batched1k, batched100b, ten, one, partitions64 } = TABLE_ROWS;
const WARM_UP_ROWS = { one: [batched1k, batched100b, ten, one, partitions64], cluster: [batched1k, ten, one] };
const QUICK_WARM_UP_ROWS = { one: [batched1k, one], cluster: [one] };

const options = parseOptions(process.argv.slice(2));
if (options === null) console.log(USAGE);
else if (options.redraw !== null) await redraw(options.redraw, options.outDir);
else await run(options);

async function redraw(file: string, outDir: string): Promise<void> {
  console.log(await writeReport(readResults(file), SCENARIOS, { outDir, name: basename(file, ".json") }));
}

async function run(given: Options): Promise<void> {
  const dataDir = mkdtempSync(join(given.dataDir, "samsa-bench-"));
  const options = { ...given, dataDir };
  const warmUpRows = options.isQuick ? QUICK_WARM_UP_ROWS : WARM_UP_ROWS;
  const fleet = new Fleet(options, { makes: makesOf(options), warmUpRows });
  const results = resultsOf(options, fleet);
  console.log(`Results as they come: ${results.file}`);
  const bench = new Bench(options, { fleet, results });
  const finish = async (): Promise<void> => {
    await fleet.stop();
    rmSync(dataDir, { recursive: true, force: true });
    results.save();
    const place = { outDir: dirname(results.file), name: basename(results.file, ".json") };
    console.log(`\nThe report: ${await writeReport(results.data, SCENARIOS, place)}`);
  };
  let isStopped = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      isStopped = true;
      killWorkers();
      void finish().finally(() => process.exit(130));
    });
  }
  try {
    if (results.data.disk === undefined) {
      const { diskProbeMs, bulk } = options.timings;
      results.noteDisk(await probeDisk(dataDir, diskProbeMs, bulk.warmupMs + bulk.durationMs));
    }
    await runAll(chosen(options, results.data), bench, () => isStopped);
  } finally {
    if (!isStopped) await finish();
  }
}

async function runAll(scenarios: readonly Scenario[], bench: Bench, isStopped: () => boolean): Promise<void> {
  for (const [index, scenario] of scenarios.entries()) {
    const { name, title } = scenario;
    console.log(`\n${index + 1} of ${scenarios.length}: ${title} (${bench.results.data.minutes.toFixed(1)} min)`);
    bench.begin(scenario);
    try {
      if (bench.isTimeUp) throw new Error("the time of a quick run was up");
      await scenario.run(bench);
    } catch (error) {
      if (isStopped()) break;
      // What one cannot do must not cost what the others find.
      bench.omit({ scenario: name, system: "all", at: "the rest" }, error);
    }
    if (isStopped()) break;
    bench.results.complete(name);
  }
}

function resultsOf(options: Options, fleet: Fleet): Results {
  const systems = (): ResultsData["systems"] =>
    Array.from(fleet.descriptions, ([name, description]) => ({ name, description }));
  if (options.resume !== null) {
    const data = readResults(options.resume);
    const settings = settingsOf(options);
    const differing = Object.keys(settings).filter(name => settings[name] !== data.settings[name]);
    if (differing.length > 0) throw new Error(`--resume: that run had other settings (${differing.join(", ")})`);
    return new Results(options.resume, data, systems);
  }
  const now = new Date().toISOString();
  const loadAverageBefore = loadavg()[0]!;
  if (loadAverageBefore > 0.5)
    console.log(`The machine is busy (load average ${loadAverageBefore.toFixed(2)}): figures will be off.`);
  const name = `${now.slice(0, 19).replaceAll(":", "-")}${options.isQuick ? "-quick" : ""}`;
  const data: ResultsData = {
    date: now.slice(0, 10),
    machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()}`,
    systems: [],
    settings: settingsOf(options),
    ...{ minutes: 0, loadAverageBefore, completed: [], entries: [], omissions: [] },
  };
  return new Results(join(options.outDir, `${name}.json`), data, systems);
}

/** What must be the same in all parts of a run. */
function settingsOf({ rounds, timings, isQuick }: Options): Record<string, string | number> {
  const seconds = (ms: number): string => `${ms / 1000} s`;
  return {
    run: isQuick ? "quick" : "full",
    rounds,
    "each load before all others, uncounted": seconds(timings.warmUp.durationMs),
    "before each measurement, uncounted": seconds(timings.line.warmupMs),
    "measured, lines that write much": seconds(timings.bulk.durationMs),
    "other lines": seconds(timings.line.durationMs),
    "places on an axis": seconds(timings.sweep.durationMs),
  };
}

function makesOf(options: Options): Make[] {
  if (options.kafkaHome !== null) process.env.TEST_KAFKA_HOME = options.kafkaHome;
  const missing = options.withKafka ? kafkaToolsMissing() : "left out as asked";
  if (missing === null) return [samsa, kafka];
  console.log(`Apache Kafka is not measured, Samsa alone is: ${missing}.`);
  return [samsa];
}

function chosen({ only, without }: Options, { completed }: ResultsData): readonly Scenario[] {
  const names = SCENARIOS.map(({ name }) => name);
  const unknown = [...(only ?? []), ...without].find(name => !names.includes(name));
  if (unknown !== undefined) throw new Error(`there is no scenario ${unknown}; there are ${names.join(", ")}`);
  return SCENARIOS.filter(({ name, isOnDemand = false }) => {
    if (without.includes(name)) return false;
    return only === null ? !isOnDemand && !completed.includes(name) : only.includes(name);
  });
}
