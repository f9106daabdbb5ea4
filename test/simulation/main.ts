/**
 * Runs simulations from the command line.
 *
 *     npm run simulate -- --seeds 500            seeds 1 to 500, one line for each that fails
 *     npm run simulate -- --seed 17 --trace      one seed, with all that happened
 *     npm run simulate -- --from 501 --seeds 100 --stop   ends with the first that fails
 */
import { runQuorum } from "./quorum/quorum-scenario.ts";

const TRACE_TAIL_LINES = 60;

const args = process.argv.slice(2);
const option = (name: string): string | undefined => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? undefined : (args[at + 1] ?? "");
};

const only = option("seed");
const first = only === undefined ? Number(option("from") ?? 1) : Number(only);
const count = only === undefined ? Number(option("seeds") ?? 100) : 1;
const keepsTrace = args.includes("--trace");
const chaosMs = Number(option("chaos-ms") ?? 20_000);

let failedCount = 0;
let eventCount = 0;
let electionCount = 0;
let committedCount = 0;
const startedMs = performance.now();
for (let seed = first; seed < first + count; seed += 1) {
  const run = await runQuorum({ seed, keepsTrace: keepsTrace, chaosMs });
  eventCount += run.eventCount;
  electionCount += run.electionCount;
  committedCount += run.committedEndOffset;
  if (keepsTrace)
    console.log(run.trace.slice(run.failure === null || only !== undefined ? 0 : -TRACE_TAIL_LINES).join("\n"));
  if (only !== undefined)
    console.log(JSON.stringify({ ...run, trace: undefined, faults: Object.fromEntries(run.faults) }));
  if (run.failure === null) continue;
  failedCount += 1;
  console.log(`seed ${seed} FAILED: ${run.failure.message}`);
  console.log(`  replay: npm run simulate -- --seed ${seed} --trace`);
  if (args.includes("--stop")) break;
}
const seconds = (performance.now() - startedMs) / 1000;
console.log(
  `${count} seeds, ${failedCount} failed, ${eventCount} events, ${electionCount} elections, ${committedCount} offsets committed, ` +
    `${seconds.toFixed(1)} s, ${(count / seconds).toFixed(1)} seeds/s`,
);
process.exitCode = failedCount === 0 ? 0 : 1;
