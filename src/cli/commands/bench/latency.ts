import { usageFailure } from "../../../client/failure.ts";
import { type CliContext, defineCommand, requireNumber, useCluster, withCluster, withJson } from "../../command.ts";
import { LoadFigures } from "./load-figures.ts";
import { acksOf, ensureTopic, noise, withRecords } from "./options.ts";
import { paced } from "./paced.ts";

/** When a record was due stands at the front of its value, as a double. */
const STAMP_BYTES = 8;

/** `samsa bench latency` */
export function benchLatencyCommand(context: CliContext) {
  return defineCommand({
    command: "latency <topic>",
    describe: "Measure how long records take from producer to consumer, at a given rate",
    builder: yargs =>
      withCluster(
        withJson(
          withRecords(yargs, { records: 10_000, rate: 1000 }).example(
            "$0 bench latency pings --rate 100 --records 3000",
            "Half a minute at a hundred records a second",
          ),
        ),
      ),
    handler: async args => {
      requireNumber("records", args.records, 1);
      requireNumber("record-size", args["record-size"], STAMP_BYTES);
      requireNumber("rate", args.rate, 1);
      requireNumber("partitions", args.partitions, 1);
      if (args.acks === "0") throw usageFailure("--acks 0: what nobody acknowledges may never arrive.");
      // Loaded only here: help needs no client.
      const { Producer } = await import("../../client/producer.ts");
      const { consume } = await import("../../client/consumer.ts");
      const { listOffsets, OffsetQuery } = await import("../../client/offsets.ts");
      const { platform, terminal } = context;
      await useCluster(context, args, async cluster => {
        await ensureTopic(cluster, args.topic, args.partitions);
        const producer = await Producer.open(cluster, args.topic, {
          acks: acksOf(args.acks),
          lingerMs: 0,
          batchSizeBytes: 1,
        });
        const topic = await cluster.topic(args.topic);
        const partitions = topic.partitions.map(({ partitionIndex }) => partitionIndex);
        const found = await listOffsets(cluster, args.topic, partitions, OffsetQuery.LATEST);
        const start = new Map(found.map(({ partition, offset }) => [partition, offset]));
        const figures = new LoadFigures(platform.clock);
        const reading = (async () => {
          for await (const records of consume(cluster, { topic: args.topic, start, signal: terminal.stop })) {
            const nowMs = platform.clock.monotonic();
            for (const { value } of records) {
              if (value !== null && value.length >= STAMP_BYTES) figures.addLatency(nowMs - value.readDoubleLE(0));
            }
            figures.add(records.length, records.length * args["record-size"]);
            if (figures.records >= args.records) return;
          }
        })();
        const pattern = noise(args["record-size"], platform.random);
        const pace = { count: args.records, perSecond: args.rate, signal: terminal.stop };
        const writing = paced(pace, platform, async (index, dueMs) => {
          const value = Buffer.from(pattern);
          value.writeDoubleLE(dueMs);
          await producer.send({ key: null, value, partition: index % producer.partitionCount });
        }).then(() => producer.flush());
        await Promise.all([reading, writing]);
        await figures.write(terminal, "sent and received", args.json);
      });
    },
  });
}
