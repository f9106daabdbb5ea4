import { DeleteTopics } from "../../../../protocol/apis/20-delete-topics.ts";
import { Errors } from "../../../../protocol/errors.ts";
import { ZERO_UUID } from "../../../../protocol/schema.ts";
import { apiFailure, CliFailure } from "../../../client/failure.ts";
import { type CliContext, defineCommand, useCluster, withCluster } from "../../command.ts";

/** `samsa topics delete` */
export function deleteTopicsCommand(context: CliContext) {
  return defineCommand({
    command: "delete <topics..>",
    describe: "Delete topics with all their records",
    builder: yargs =>
      withCluster(
        yargs
          .positional("topics", { type: "string", array: true, demandOption: true, describe: "Their names" })
          .option("if-exists", {
            type: "boolean",
            default: false,
            describe: "A topic that is not there is no failure",
          }),
      ),
    handler: async args => {
      await useCluster(context, args, async cluster => {
        const { responses } = await cluster.retry(() =>
          cluster.request(DeleteTopics, {
            topics: args.topics.map(name => ({ name, topicId: ZERO_UUID })),
            topicNames: args.topics,
            timeoutMs: args.timeout,
          }),
        );
        const failures: CliFailure[] = [];
        for (const { name, errorCode, errorMessage } of responses) {
          if (errorCode === Errors.NONE) await context.terminal.write(`Deleted topic ${name}.\n`);
          else if (errorCode === Errors.UNKNOWN_TOPIC_OR_PARTITION && args["if-exists"])
            await context.terminal.write(`There is no topic ${name}.\n`);
          else failures.push(apiFailure(`Cannot delete topic ${name}`, errorCode, errorMessage));
        }
        if (failures.length === 1) throw failures[0];
        if (failures.length > 1) throw new CliFailure(failures.map(failure => failure.message).join("\n"));
      });
    },
  });
}
