/**
 * `npm run fuzz [-- --seed N] [-- --inputs N]`: hostile input against a running broker.
 *
 * Sends mutated requests over many connections while an honest client produces and reads. Fails when the broker exits, answers the honest client
 * wrongly or late, meets an error it did not expect, or holds more memory than its limits allow. Afterwards the broker must stop cleanly, start
 * again and still have every record of the honest client.
 */
import { readdirSync } from "node:fs";
import { processUsage } from "../../bench/process-usage.ts";
import { BrokerProcess } from "../support/broker-process.ts";
import { kafkajsClient } from "../support/kafkajs.ts";
import { FuzzConnection, type Outcome } from "./fuzz-connection.ts";
import { HonestClient } from "./honest-client.ts";
import { type InputKind, Inputs, targetsOf } from "./inputs.ts";
import { askApiVersions, askTopicIds } from "./questions.ts";
import { SeededRandom } from "./random.ts";

const seed = Number(option("--seed") ?? 1);
const inputCount = Number(option("--inputs") ?? 200_000);
const CONNECTIONS = 32;
const PATIENCE_MS = 2_000;
/** What the broker may take beyond what it had before the first input (RSS; queues, caches and buffers have limits from the config). */
const MAX_MEMORY_GROWTH_BYTES = 256 * 1024 * 1024;
const MAX_HONEST_P99_MS = 500;
const TOPICS = ["victim-0", "victim-1", "victim-2"];

const broker = await BrokerProcess.start({
  overrides: { "max.connection.creation.rate": "100000", "max.connections.per.ip": "10000", "samsa.log.level": "info" },
});
const problems: string[] = [];
try {
  const admin = kafkajsClient(broker.address, { retry: { retries: 3 } }).admin();
  await admin.connect();
  await admin.createTopics({ topics: TOPICS.map(topic => ({ topic, numPartitions: 3 })), waitForLeaders: true });
  await admin.disconnect();
  const honest = new HonestClient(broker.address);
  await honest.start();

  const random = new SeededRandom(seed);
  const targets = targetsOf(await askApiVersions(broker));
  const inputs = new Inputs(random, targets, { topics: TOPICS, topicIds: await askTopicIds(broker, TOPICS) });
  const memoryBefore = processUsage(broker.pid)?.memoryBytes ?? 0;
  const counts = new Map<string, number>();
  let sent = 0;
  const started = performance.now();

  const attack = async (): Promise<void> => {
    const connection = new FuzzConnection(broker.host, broker.port, PATIENCE_MS);
    while (sent < inputCount && broker.isRunning) {
      const number = ++sent;
      const { kind, bytes } = inputs.next();
      count(counts, kind, await connection.send(bytes));
      if (number % 20_000 === 0)
        console.log(`${number} sent, ${megabytes(processUsage(broker.pid)?.memoryBytes ?? 0)} MB`);
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, attack));

  console.log(
    `seed ${seed}: ${sent} inputs for ${targets.length} APIs in ${((performance.now() - started) / 1000).toFixed(0)} s`,
  );
  for (const [name, number] of [...counts].sort()) console.log(`  ${name}: ${number}`);
  if (!broker.isRunning) throw new Error("the broker exited");

  const latencies = honest.latenciesMs.sort((a, b) => a - b);
  const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN;
  const verified = await honest.stopAndVerify();
  console.log(`honest client: ${verified} records there, once and in order; p99 ${p99.toFixed(1)} ms`);
  if (!(p99 <= MAX_HONEST_P99_MS)) problems.push(`the honest client waited ${p99.toFixed(0)} ms (p99)`);

  const partitions = readdirSync(broker.dataDir).filter(name => /-\d+$/.test(name)).length;
  console.log(`state that the inputs have made: ${partitions} partitions`);
  const grownBytes = (processUsage(broker.pid)?.memoryBytes ?? 0) - memoryBefore;
  console.log(`memory: ${megabytes(memoryBefore)} MB before, ${megabytes(grownBytes)} MB more after`);
  if (grownBytes > MAX_MEMORY_GROWTH_BYTES) problems.push(`the broker's memory grew by ${megabytes(grownBytes)} MB`);

  const surprises = broker.output
    .split("\n")
    .filter(line => /unhandled|request\.failed|TypeError|RangeError|AssertionError/.test(line));
  if (surprises.length > 0)
    problems.push(`${surprises.length} errors that nobody expected:\n${surprises.slice(0, 10).join("\n")}`);

  await broker.stop();
  await broker.restart();
  const again = await honest.stopAndVerify();
  console.log(`after a stop and a start: ${again} records there`);
} catch (error) {
  const fate = broker.isRunning ? "runs" : "has exited";
  problems.push(
    `${error instanceof Error ? error.stack : error}\nThe broker ${fate}. It said last:\n${broker.output.slice(-4000)}`,
  );
} finally {
  await broker.dispose();
}
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "  1 passing" : `  ${problems.length} failing`);
process.exitCode = problems.length === 0 ? 0 : 1;

function option(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

function count(counts: Map<string, number>, kind: InputKind, outcome: Outcome): void {
  const name = `${kind}, ${outcome}`;
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
