/**
 * Measures how long clients wait for an acknowledgement when a node dies.
 *
 *     node compat-tests/cluster/gaps.ts --runs 10                     kill -9: median and worst of ten runs for each fault
 *     node compat-tests/cluster/gaps.ts --faults both --runs 3 --trace what the nodes logged meanwhile
 *     node compat-tests/cluster/gaps.ts --json                        for programs
 *
 * `--faults` takes names of `gap-runs.ts`, separated by commas; `--records` and `--rate` say how much is produced in a run; `-o key=value` are
 * settings of the brokers. It needs what the cluster tests need: `npm run build`, kcat, a C compiler, librdkafka's headers.
 */
import { parseArgs } from "node:util";
import { GAP_FAULTS, type GapFault, type GapRun, gapRuns } from "./gap-runs.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "10" },
    faults: { type: "string", default: "leader,controller,both" },
    records: { type: "string", default: "40000" },
    rate: { type: "string", default: "20000" },
    override: { type: "string", short: "o", multiple: true, default: [] },
    trace: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const faults = values.faults.split(",").map(name => {
  if (!(name in GAP_FAULTS)) throw new Error(`no fault ${name}; there are ${Object.keys(GAP_FAULTS).join(", ")}`);
  return name as GapFault;
});
const settings = Object.fromEntries(values.override.map(pair => pair.split(/=(.*)/s, 2) as [string, string]));
const options = { faults, runs: Number(values.runs), records: Number(values.records), settings };

const runs: GapRun[] = [];
for await (const run of gapRuns({ ...options, recordsPerSecond: Number(values.rate) })) {
  runs.push(run);
  if (values.json) continue;
  const [gapMs, fromMs, untilMs] = [run.gapMs, run.fromMs, run.untilMs].map(Math.round);
  console.log(`${run.fault}: ${gapMs} ms, from ${fromMs} to ${untilMs} ms after the fault`);
  if (!values.trace) continue;
  for (const { nodeId, afterMs, text } of run.events)
    console.log(`  ${String(afterMs).padStart(5)}  n${nodeId}  ${text}`);
}

const summary = faults.map(fault => {
  const gaps = runs.filter(run => run.fault === fault).map(({ gapMs }) => Math.round(gapMs));
  const sorted = gaps.toSorted((left, right) => left - right);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  const medianMs = Math.round(middle.reduce((sum, gapMs) => sum + gapMs, 0) / middle.length);
  return { fault, what: GAP_FAULTS[fault], medianMs, worstMs: sorted.at(-1) ?? 0, gapsMs: gaps };
});
if (values.json) console.log(JSON.stringify(summary, null, 2));
else {
  console.log("\n| fault | median ms | worst ms | runs |\n|---|---|---|---|");
  for (const { what, medianMs, worstMs, gapsMs } of summary)
    console.log(`| ${what} | ${medianMs} | ${worstMs} | ${gapsMs.length} |`);
}
