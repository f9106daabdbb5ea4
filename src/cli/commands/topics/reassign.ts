import { AlterPartitionReassignments } from "../../../../protocol/apis/45-alter-partition-reassignments.ts";
import type { ClusterClient, TopicMetadata } from "../../../client/cluster-client.ts";
import { throwOnError, usageFailure } from "../../../client/failure.ts";
import { awaitReassignments, listReassignments } from "../../../client/reassignments.ts";
import { type CliContext, defineCommand, requireNumber, useCluster, withCluster } from "../../command.ts";
import { plural } from "../../output.ts";

/** `samsa topics reassign` */
export function reassignTopicCommand(context: CliContext) {
  return defineCommand({
    command: "reassign <topic>",
    describe: "Move a topic's replicas to other brokers, or take a move back",
    builder: yargs =>
      withCluster(
        yargs
          .positional("topic", { type: "string", demandOption: true, describe: "Its name" })
          .option("brokers", {
            type: "string",
            describe: "Spread all partitions over these brokers, e.g. 1,2,3",
            requiresArg: true,
          })
          .option("replication-factor", {
            alias: "r",
            type: "number",
            describe: "How many replicas, with --brokers; as many as now when left out",
            requiresArg: true,
          })
          .option("partition", { alias: "p", type: "number", describe: "Move only this one", requiresArg: true })
          .option("replicas", {
            type: "string",
            describe: "Its replicas, the preferred leader first, with --partition; e.g. 2,3,1",
            requiresArg: true,
          })
          .option("cancel", { type: "boolean", default: false, describe: "Take back what is under way" })
          .option("wait", { type: "boolean", default: false, describe: "Wait until the new replicas are in sync" }),
      ),
    handler: async args => {
      requireNumber("partition", args.partition, 0);
      requireNumber("replication-factor", args["replication-factor"], 1);
      const ways = [args.brokers !== undefined, args.replicas !== undefined, args.cancel].filter(Boolean).length;
      if (ways !== 1) throw usageFailure("Where to?", "Give one of --brokers, --replicas and --cancel.");
      if (args.replicas !== undefined && args.partition === undefined) {
        throw usageFailure("--replicas: of which partition?", "Give --partition, or --brokers for all.");
      }
      const brokers = brokerIds("brokers", args.brokers);
      const replicas = brokerIds("replicas", args.replicas);
      await useCluster(context, args, async cluster => {
        const topic = await cluster.topic(args.topic);
        const numbers = await chosen(cluster, topic, args);
        const factor = args["replication-factor"] ?? topic.partitions[0]?.replicaNodes.length ?? 1;
        const partitions = numbers.map(partitionIndex => ({
          partitionIndex,
          replicas: replicas ?? (brokers === null ? null : spread(brokers, factor, partitionIndex)),
        }));
        await reassign(cluster, args.topic, partitions, args.timeout);
        const what = plural(partitions.length, "partition");
        if (args.wait) await awaitReassignments(cluster, args.topic, numbers);
        const done = args.cancel ? "Took back the move of" : args.wait ? "Moved" : "Began to move";
        await context.terminal.write(`${done} ${what} of topic ${args.topic}.\n`);
      });
    },
  });
}

/** The partitions that the command is about; of a cancellation those that are being moved. */
async function chosen(
  cluster: ClusterClient,
  topic: TopicMetadata,
  { partition, cancel }: { readonly partition?: number | undefined; readonly cancel: boolean },
): Promise<number[]> {
  if (partition !== undefined) return [partition];
  if (!cancel) return topic.partitions.map(({ partitionIndex }) => partitionIndex);
  const moving = await listReassignments(cluster);
  return moving.filter(move => move.topic === topic.name).map(move => move.partition);
}

async function reassign(
  cluster: ClusterClient,
  name: string,
  partitions: { partitionIndex: number; replicas: number[] | null }[],
  timeoutMs: number,
): Promise<void> {
  const subject = `Cannot move topic ${name}`;
  const { errorCode, errorMessage, responses } = await cluster.request(AlterPartitionReassignments, {
    timeoutMs,
    topics: [{ name, partitions }],
  });
  throwOnError(subject, errorCode, errorMessage);
  for (const partition of responses[0]?.partitions ?? []) {
    throwOnError(`${subject}, partition ${partition.partitionIndex}`, partition.errorCode, partition.errorMessage);
  }
}

/** Each partition begins with another broker, so that leaders are spread too. */
function spread(brokers: readonly number[], factor: number, partition: number): number[] {
  if (factor > brokers.length) {
    throw usageFailure(`--brokers: ${plural(brokers.length, "broker")} cannot hold ${plural(factor, "replica")}.`);
  }
  return Array.from({ length: factor }, (_, index) => brokers[(partition + index) % brokers.length] as number);
}

function brokerIds(option: string, text: string | undefined): number[] | null {
  if (text === undefined) return null;
  if (!/^\d+(,\d+)*$/.test(text)) throw usageFailure(`--${option}: expected broker ids, as 1,2,3.`);
  return text.split(",").map(Number);
}
