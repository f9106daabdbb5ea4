/**
 * Runs simulations from the command line.
 *
 *     npm run simulate -- --seeds 500                     brokers: seeds 1 to 500, a line for each that fails
 *     npm run simulate -- --seed 17 --trace               one seed, with all that happened
 *     npm run simulate -- --scenario disk-loss --seeds 50 one scenario; without it the seed chooses
 *     npm run simulate -- --quorum --seeds 500            the metadata quorum alone
 *     npm run simulate -- --from 501 --seeds 100 --stop   ends with the first that fails
 *     npm run simulate -- --processes 2 --seeds 3000      side by side
 */
import { runCluster } from "./cluster/cluster-simulation.ts";
import { runQuorum } from "./quorum/quorum-scenario.ts";
import { runInProcesses } from "./side-by-side.ts";
import type { SimulationRun } from "./simulation-run.ts";

const TRACE_TAIL_LINES = 60;

const args = process.argv.slice(2);
const option = (name: string): string | undefined => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? undefined : (args[at + 1] ?? "");
};

const only = option("seed");
const first = Number(only ?? option("from") ?? 1);
const count = only === undefined ? Number(option("seeds") ?? 100) : 1;
const isQuorum = args.includes("--quorum");
const keepsTrace = args.includes("--trace");
const scenario = option("scenario");
const processCount = Number(option("processes") ?? 1);

function run(seed: number): Promise<SimulationRun> {
  if (isQuorum) return runQuorum({ seed, keepsTrace, chaosMs: Number(option("chaos-ms") ?? 20_000) });
  return runCluster({ seed, keepsTrace, ...(scenario === undefined ? {} : { scenario }) });
}

/** Returns how many failed. */
async function runAll(): Promise<number> {
  let failedCount = 0;
  let eventCount = 0;
  let doneCount = 0;
  const totals = new Map<string, number>();
  const startedMs = performance.now();
  for (let seed = first; seed < first + count; seed += 1) {
    const outcome = await run(seed);
    const { name, failure, trace, counts } = outcome;
    eventCount += outcome.eventCount;
    doneCount += 1;
    for (const [what, times] of Object.entries(counts)) totals.set(what, (totals.get(what) ?? 0) + times);
    if (keepsTrace) console.log(trace.slice(failure === null || only !== undefined ? 0 : -TRACE_TAIL_LINES).join("\n"));
    if (only !== undefined)
      console.log(JSON.stringify({ ...outcome, trace: undefined, faults: Object.fromEntries(outcome.faults) }));
    if (failure === null) continue;
    failedCount += 1;
    console.log(`seed ${seed} FAILED (${name}): ${failure.message}`);
    const flags = `${isQuorum ? " --quorum" : ""}${scenario === undefined ? "" : ` --scenario ${scenario}`}`;
    console.log(`  replay: npm run simulate --${flags} --seed ${seed} --trace`);
    if (args.includes("--stop")) break;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const told = [...totals].map(([what, times]) => `${times} ${what}`).join(", ");
  console.log(
    `${doneCount} seeds, ${failedCount} failed, ${eventCount} events, ${told}, ${seconds.toFixed(1)} s, ` +
      `${(doneCount / seconds).toFixed(1)} seeds/s`,
  );
  return failedCount;
}

const failedCount = processCount > 1 ? await runInProcesses({ args, first, count, processCount }) : await runAll();
process.exitCode = failedCount === 0 ? 0 : 1;
