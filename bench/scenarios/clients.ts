/** Real clients instead of the load generator. */
import { createTopics, deleteTopics } from "../admin.ts";
import { type Client, SIZE_BYTES } from "../clients/client.ts";
import { java } from "../clients/java.ts";
import { kafkajs } from "../clients/kafkajs.ts";
import { kcat, rdkafka } from "../clients/rdkafka.ts";
import { processUsage } from "../process-usage.ts";
import type { Bench, Scenario } from "../scenario.ts";
import type { System } from "../systems/system.ts";

/** How many records each moves: some seconds' worth. */
const CLIENTS: ReadonlyMap<Client, number> = new Map([
  [rdkafka, 2_000_000],
  [kcat, 500_000],
  [java, 2_000_000],
  [kafkajs, 200_000],
]);
/** The others take seconds to start, or to join a group. */
const QUICK_CLIENTS: readonly Client[] = [rdkafka, kafkajs];
const QUICK_PART = 40;

export const clients: Scenario = {
  name: "clients",
  title: "Real clients",
  text: "Records of 1 KiB to 6 partitions and back, acks=all, batches of up to 256 KiB where the client has such a setting. The client is a program of its own on the same machine and mostly the limit; kafkajs sends 1,000 records at a time and waits.",
  axis: "client",
  columns: ["megabytesPerSecond", "thousandRecordsPerSecond", "cpuSecondsPerGigabyte", "p50Ms", "p99Ms", "p999Ms"],
  plots: ["megabytesPerSecond"],
  async run(bench) {
    if (!bench.options.withClients) {
      bench.omit({ scenario: "clients", system: "all", at: "all" }, "left out as asked");
      return;
    }
    for (const [client, records] of CLIENTS) {
      if (bench.options.isQuick && !QUICK_CLIENTS.includes(client)) continue;
      const missing = client.missing();
      if (missing !== null) {
        bench.omit({ scenario: "clients", system: "all", at: client.name }, missing);
        continue;
      }
      for (let round = 0; round < bench.sweepRounds; round++) {
        for (const system of await bench.inTurn(round)) {
          const place = { scenario: "clients", system: system.name, round, at: client.name };
          const count = bench.options.isQuick ? records / QUICK_PART : records;
          await bench.attempt(place, () => measure(bench, system, client, count, round));
        }
      }
    }
  },
};

async function measure(bench: Bench, system: System, client: Client, records: number, round: number): Promise<void> {
  const { address, name } = system;
  const topic = bench.newTopic("clients");
  await createTopics(address, [topic], { partitions: 6 });
  for (const direction of ["produce", "consume"] as const) {
    await bench.untilQuiet();
    const before = processUsage(system.pid);
    const seconds = await client[direction](address, topic, records);
    const after = processUsage(system.pid);
    const bytes = records * SIZE_BYTES;
    const place = { scenario: "clients", system: name, round, at: `${client.name}, ${direction}` };
    bench.record(place, {
      megabytesPerSecond: bytes / 1e6 / seconds,
      thousandRecordsPerSecond: records / seconds / 1000,
      ...(before === null || after === null
        ? null
        : { cpuSecondsPerGigabyte: (after.cpuSeconds - before.cpuSeconds) / (bytes / 1e9) }),
    });
  }
  await deleteTopics(address, [topic]);
  // It takes 3,000 records one after the other, and a JVM's start.
  if (client.latency === undefined || bench.options.isQuick) return;
  const other = bench.newTopic("latency");
  await createTopics(address, [other], { partitions: 1 });
  await bench.untilQuiet();
  const figures = await client.latency(address, other);
  bench.record({ scenario: "clients", system: name, round, at: `${client.name}, end to end` }, figures);
  await deleteTopics(address, [other]);
}
