import { CreatePartitions } from "../../../../protocol/apis/37-create-partitions.ts";
import { throwOnError, usageFailure } from "../../../client/failure.ts";
import { ConfigResourceType } from "../../../config/index.ts";
import { alterConfigs, type ConfigChange } from "../../client/configs.ts";
import { type CliContext, defineCommand, parsePairs, requireNumber, useCluster, withCluster } from "../../command.ts";
import { plural } from "../../output.ts";

/** `samsa topics alter` */
export function alterTopicCommand(context: CliContext) {
  return defineCommand({
    command: "alter <topic>",
    describe: "Add partitions to a topic, or change its settings",
    builder: yargs =>
      withCluster(
        yargs
          .positional("topic", { type: "string", demandOption: true, describe: "Its name" })
          .option("partitions", {
            alias: "p",
            type: "number",
            describe: "How many it shall have; more than it has",
            requiresArg: true,
          })
          .option("config", {
            alias: "c",
            type: "string",
            array: true,
            describe: "Set a setting, as name=value",
            requiresArg: true,
          })
          .option("delete-config", {
            alias: "d",
            type: "string",
            array: true,
            describe: "Take a setting away, so that the broker's holds",
            requiresArg: true,
          })
          .option("validate-only", {
            type: "boolean",
            default: false,
            describe: "Only check whether it could be done",
          }),
      ),
    handler: async args => {
      requireNumber("partitions", args.partitions, 1);
      const changes: ConfigChange[] = [
        ...[...parsePairs("config", args.config)].map(([name, value]) => ({ name, operation: "set" as const, value })),
        ...(args["delete-config"] ?? []).map(name => ({ name, operation: "delete" as const, value: null })),
      ];
      if (args.partitions === undefined && changes.length === 0) {
        throw usageFailure("Nothing to change.", "Give --partitions, --config or --delete-config.");
      }
      const validateOnly = args["validate-only"];
      await useCluster(context, args, async cluster => {
        const { partitions: count } = args;
        if (count !== undefined) {
          const topics = [{ name: args.topic, count, assignments: null }];
          const { results } = await cluster.retry(() =>
            cluster.request(CreatePartitions, { topics, timeoutMs: args.timeout, validateOnly }),
          );
          throwOnError(
            `Cannot give topic ${args.topic} ${plural(count, "partition")}`,
            results[0]!.errorCode,
            results[0]!.errorMessage,
          );
        }
        if (changes.length > 0) {
          await alterConfigs(cluster, { type: ConfigResourceType.TOPIC, name: args.topic }, changes, { validateOnly });
        }
        await context.terminal.write(`${validateOnly ? "Could alter" : "Altered"} topic ${args.topic}.\n`);
      });
    },
  });
}
