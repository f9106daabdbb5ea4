/**
 * Counts false alarms: how often a broker is fenced, or the controller changes, because a process stood still for a moment.
 *
 *     node compat-tests/cluster/pauses.ts --pauses 100,250,500 --times 30
 *
 * Three real processes; one after the other, chosen at random, is stopped and continued (SIGSTOP, SIGCONT), at random moments. It needs `npm run build`.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ProcessCluster } from "./process-cluster.ts";

const { values } = parseArgs({
  options: {
    pauses: { type: "string", default: "100,250,500" },
    times: { type: "string", default: "30" },
    override: { type: "string", short: "o", multiple: true, default: [] },
  },
});
/** Between the end of a pause and the next one, at most. */
const MAX_REST_MS = 1_000;
/** What a pause leads to is logged by then. */
const SETTLE_MS = 3_000;
const settings = Object.fromEntries(values.override.map(pair => pair.split(/=(.*)/s, 2) as [string, string]));

const cluster = await ProcessCluster.start({ settings });
try {
  await cluster.createTopic("events", 6);
  console.log(
    "| event loop stands still for | times | brokers fenced | elections of a controller |\n|---|---|---|---|",
  );
  for (const pauseMs of values.pauses.split(",").map(Number)) {
    await cluster.whole("events");
    const startMs = Date.now();
    for (let time = 0; time < Number(values.times); time++) {
      await pause(Math.random() * MAX_REST_MS);
      const nodeId = cluster.nodeIds[Math.floor(Math.random() * cluster.nodeIds.length)]!;
      cluster.signal(nodeId, "SIGSTOP");
      await pause(pauseMs);
      cluster.signal(nodeId, "SIGCONT");
    }
    await pause(SETTLE_MS);
    const events = cluster.eventsAfter(startMs, Date.now() - startMs);
    const count = (pattern: RegExp) => events.filter(({ text }) => pattern.test(text)).length;
    // The broker says `broker.fenced` too, of itself and without a reason.
    const fenced = count(/broker\.fenced .*why=/);
    const elected = count(/raft\.leader-changed .*role=leader/);
    console.log(`| ${pauseMs} ms | ${values.times} | ${fenced} | ${elected} |`);
  }
} finally {
  await cluster.dispose();
}
