/**
 * Runs the model of replication over seeds and tells of the first that breaks a rule; exits with 1 then.
 *
 *     node test/replication/model/main.ts --seeds 1-2000
 */
import { parseArgs } from "node:util";
import { run } from "./run.ts";

const { values } = parseArgs({ options: { seeds: { type: "string", default: "1-2000" } } });
const [from = 1, to = from] = values.seeds.split("-").map(Number);
const startedMs = performance.now();
const total = { acknowledged: 0, committed: 0, crashes: 0, elections: 0, steps: 0 };
for (let seed = from; seed <= to; seed += 1) {
  try {
    const outcome = await run({ seed });
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += outcome[name];
  } catch (error) {
    console.log(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
}
const seconds = (performance.now() - startedMs) / 1000;
console.log(`${to - from + 1} seeds in ${seconds.toFixed(0)} s: ${JSON.stringify(total)}`);
process.exit(0);
