import { type CodecName, codecName } from "../../../../protocol/records/compression/index.ts";
import { type CliContext, defineCommand, requireNumber, useCluster, withCluster, withJson } from "../../command.ts";
import { LoadFigures } from "./load-figures.ts";
import { acksOf, ensureTopic, noise, withRecords } from "./options.ts";
import { paced } from "./paced.ts";

const CODECS = [0, 1, 2, 3, 4].map(codec => codecName(codec)!);

/** `samsa bench produce` */
export function benchProduceCommand(context: CliContext) {
  return defineCommand({
    command: "produce <topic>",
    describe: "Measure how fast a cluster takes records, and how soon it acknowledges them",
    builder: yargs =>
      withCluster(
        withJson(
          withRecords(yargs, { records: 1_000_000, rate: 0 })
            .option("batch-size", {
              type: "number",
              default: 256 * 1024,
              describe: "Bytes at which a batch is sent",
              requiresArg: true,
            })
            .option("linger", {
              type: "number",
              default: 5,
              describe: "Milliseconds that a batch waits for more",
              requiresArg: true,
            })
            .option("codec", {
              type: "string",
              choices: CODECS,
              default: "none",
              describe: "How batches are compressed",
              requiresArg: true,
            })
            .example("$0 bench produce orders -n 5000000 --record-size 100", "As many small records as it takes")
            .example("$0 bench produce orders --rate 1000 --linger 0", "Latencies at a thousand records a second"),
        ),
      ),
    handler: async args => {
      requireNumber("records", args.records, 1);
      requireNumber("record-size", args["record-size"], 0);
      requireNumber("rate", args.rate, 0);
      requireNumber("partitions", args.partitions, 1);
      requireNumber("batch-size", args["batch-size"], 1);
      requireNumber("linger", args.linger, 0);
      // Loaded only here: help needs no client.
      const { Producer } = await import("../../client/producer.ts");
      const { platform, terminal } = context;
      await useCluster(context, args, async cluster => {
        await ensureTopic(cluster, args.topic, args.partitions);
        const producer = await Producer.open(cluster, args.topic, {
          acks: acksOf(args.acks),
          codec: args.codec as CodecName,
          partitioner: "sticky",
          batchSizeBytes: args["batch-size"],
          lingerMs: args.linger,
        });
        const value = noise(args["record-size"], platform.random);
        const figures = new LoadFigures(platform.clock);
        /** When the records under way were due, by partition: acknowledgements of one come in order. */
        const due = new Map<number, { times: number[]; head: number }>();
        producer.onDelivered = ({ partition, recordCount }) => {
          const lane = due.get(partition)!;
          const nowMs = platform.clock.monotonic();
          for (let count = 0; count < recordCount; count++) figures.addLatency(nowMs - lane.times[lane.head++]!);
          if (lane.head > 10_000) due.set(partition, { times: lane.times.slice(lane.head), head: 0 });
          figures.add(recordCount, recordCount * value.length);
        };
        const pace = { count: args.records, perSecond: args.rate, signal: terminal.stop };
        let partition = 0;
        let inBatchBytes = 0;
        await paced(pace, platform, async (_index, dueMs) => {
          // A batch's worth for each partition in turn.
          inBatchBytes += value.length;
          if (inBatchBytes > args["batch-size"]) {
            inBatchBytes = value.length;
            partition = (partition + 1) % producer.partitionCount;
          }
          const lane = due.get(partition);
          if (lane === undefined) due.set(partition, { times: [dueMs], head: 0 });
          else lane.times.push(dueMs);
          await producer.send({ key: null, value, partition });
        });
        await producer.flush();
        await figures.write(terminal, "produced", args.json);
      });
    },
  });
}
