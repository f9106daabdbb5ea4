import { type CliContext, defineCommand, requireNumber, useCluster, withCluster, withJson } from "../../command.ts";
import { LoadFigures } from "./load-figures.ts";

/** `samsa bench consume` */
export function benchConsumeCommand(context: CliContext) {
  return defineCommand({
    command: "consume <topic>",
    describe: "Measure how fast a cluster serves a topic from its beginning",
    builder: yargs =>
      withCluster(
        withJson(
          yargs
            .positional("topic", { type: "string", demandOption: true, describe: "Where from" })
            .option("records", {
              alias: "n",
              type: "number",
              describe: "Ends after so many; else where the topic ends when it begins",
              requiresArg: true,
            })
            .example("$0 bench consume orders", "All of it, once"),
        ),
      ),
    handler: async args => {
      requireNumber("records", args.records, 1);
      // Loaded only here: help needs no client.
      const { consume } = await import("../../client/consumer.ts");
      const { listOffsets, OffsetQuery } = await import("../../client/offsets.ts");
      const { platform, terminal } = context;
      await useCluster(context, args, async cluster => {
        const topic = await cluster.topic(args.topic);
        const partitions = topic.partitions.map(({ partitionIndex }) => partitionIndex);
        const offsetsAt = async (timestamp: number): Promise<Map<number, number>> => {
          const found = await listOffsets(cluster, args.topic, partitions, timestamp);
          return new Map(found.map(({ partition, offset }) => [partition, offset]));
        };
        const start = await offsetsAt(OffsetQuery.EARLIEST);
        const end = await offsetsAt(OffsetQuery.LATEST);
        const figures = new LoadFigures(platform.clock);
        for await (const records of consume(cluster, { topic: args.topic, start, end, signal: terminal.stop })) {
          let bytes = 0;
          for (const { key, value } of records) bytes += (key?.length ?? 0) + (value?.length ?? 0);
          figures.add(records.length, bytes);
          if (figures.records >= (args.records ?? Number.POSITIVE_INFINITY)) break;
        }
        await figures.write(terminal, "consumed", args.json);
      });
    },
  });
}
