import { type CliContext, defineCommand, useCluster, withCluster, withJson } from "../../command.ts";
import { writeJson } from "../../output.ts";

/** `samsa topics list` */
export function listTopicsCommand(context: CliContext) {
  return defineCommand({
    command: "list",
    describe: "List the names of topics",
    builder: yargs =>
      withCluster(
        withJson(
          yargs.option("exclude-internal", {
            type: "boolean",
            default: false,
            describe: "Leave out __consumer_offsets and its like",
          }),
        ),
      ),
    handler: async args => {
      await useCluster(context, args, async cluster => {
        const { topics } = await cluster.retry(() => cluster.metadata(null));
        const names = topics
          .filter(topic => !(args["exclude-internal"] && topic.isInternal))
          .map(topic => topic.name!)
          .sort();
        if (args.json) await writeJson(context.terminal, names);
        else if (names.length > 0) await context.terminal.write(`${names.join("\n")}\n`);
      });
    },
  });
}
