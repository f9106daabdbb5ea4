import { CreateTopics } from "../../../../protocol/apis/19-create-topics.ts";
import { Errors } from "../../../../protocol/errors.ts";
import { throwOnError, usageFailure } from "../../../client/failure.ts";
import {
  type CliContext,
  defineCommand,
  parsePairs,
  requireNumber,
  useCluster,
  withCluster,
  withJson,
} from "../../command.ts";
import { plural, writeJson } from "../../output.ts";

/** `samsa topics create` */
export function createTopicCommand(context: CliContext) {
  return defineCommand({
    command: "create <topic>",
    describe: "Create a topic",
    builder: yargs =>
      withCluster(
        withJson(
          yargs
            .positional("topic", { type: "string", demandOption: true, describe: "Its name" })
            .option("partitions", {
              alias: "p",
              type: "number",
              describe: "How many; the broker's num.partitions when left out",
              requiresArg: true,
            })
            .option("replication-factor", {
              alias: "r",
              type: "number",
              describe: "Replicas of each partition; the broker's default when left out",
              requiresArg: true,
            })
            .option("replica-assignment", {
              type: "string",
              describe: "Brokers of each partition, e.g. 1:2,2:3 for two partitions",
              requiresArg: true,
              conflicts: ["partitions", "replication-factor"],
            })
            .option("config", {
              alias: "c",
              type: "string",
              array: true,
              describe: "A setting, as name=value",
              requiresArg: true,
            })
            .option("if-not-exists", {
              type: "boolean",
              default: false,
              describe: "A topic that is there already is no failure",
            })
            .option("validate-only", {
              type: "boolean",
              default: false,
              describe: "Only check whether it could be created",
            })
            .example("$0 topics create orders -p 6 -c retention.ms=86400000", "Six partitions, records kept for a day"),
        ),
      ),
    handler: async args => {
      requireNumber("partitions", args.partitions, 1);
      requireNumber("replication-factor", args["replication-factor"], 1);
      const configs = [...parsePairs("config", args.config)].map(([name, value]) => ({ name, value }));
      const assignments = parseAssignment(args["replica-assignment"]);
      await useCluster(context, args, async cluster => {
        const response = await cluster.retry(() =>
          cluster.request(CreateTopics, {
            topics: [
              {
                name: args.topic,
                numPartitions: args.partitions ?? -1,
                replicationFactor: args["replication-factor"] ?? -1,
                assignments,
                configs,
              },
            ],
            timeoutMs: args.timeout,
            validateOnly: args["validate-only"],
          }),
        );
        const created = response.topics[0]!;
        const exists = created.errorCode === Errors.TOPIC_ALREADY_EXISTS && args["if-not-exists"];
        if (!exists) throwOnError(`Cannot create topic ${args.topic}`, created.errorCode, created.errorMessage);
        if (args.json) {
          const { name, topicId, numPartitions, replicationFactor } = created;
          await writeJson(context.terminal, {
            topic: name,
            topicId,
            partitions: numPartitions,
            replicationFactor,
            created: !exists && !args["validate-only"],
          });
        } else if (exists) {
          await context.terminal.write(`Topic ${args.topic} is there already.\n`);
        } else {
          const size =
            created.numPartitions > 0
              ? ` with ${plural(created.numPartitions, "partition")}, replication factor ${created.replicationFactor}`
              : "";
          await context.terminal.write(
            `${args["validate-only"] ? "Could create" : "Created"} topic ${args.topic}${size}.\n`,
          );
        }
      });
    },
  });
}

/** Reads `1:2,2:3`: partitions separated by commas, brokers by colons. */
export function parseAssignment(text: string | undefined): { partitionIndex: number; brokerIds: number[] }[] {
  if (text === undefined) return [];
  return text.split(",").map((partition, partitionIndex) => {
    const brokerIds = partition.split(":").map(Number);
    if (partition.trim() === "" || !brokerIds.every(id => Number.isInteger(id) && id >= 0)) {
      throw usageFailure(`--replica-assignment ${text}: expected broker ids such as 1:2,2:3.`);
    }
    return { partitionIndex, brokerIds };
  });
}
