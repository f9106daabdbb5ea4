import { listGroups } from "../../client/groups.ts";
import { type CliContext, defineCommand, useCluster, withCluster, withJson } from "../../command.ts";
import { writeJson, writeTable } from "../../output.ts";

/** `samsa groups list` */
export function listGroupsCommand(context: CliContext) {
  return defineCommand({
    command: "list",
    describe: "List groups with their type and state",
    builder: yargs =>
      withCluster(
        withJson(
          yargs
            .option("state", {
              type: "string",
              array: true,
              describe: "Only groups in this state, such as stable or empty",
              requiresArg: true,
            })
            .option("type", {
              type: "string",
              array: true,
              choices: ["classic", "consumer", "share", "streams"],
              describe: "Only groups of this type",
              requiresArg: true,
            }),
        ),
      ),
    handler: async args => {
      await useCluster(context, args, async cluster => {
        const states = args.state?.map(state => state.toLowerCase());
        const groups = (await listGroups(cluster)).filter(
          ({ state, type }) =>
            (states?.includes(state.toLowerCase()) ?? true) &&
            ((args.type as string[] | undefined)?.includes(type) ?? true),
        );
        if (args.json) return writeJson(context.terminal, groups);
        if (groups.length === 0) return context.terminal.write("There are no such groups.\n");
        await writeTable(
          context.terminal,
          ["group", "type", "protocol", "state"],
          groups.map(({ group, type, protocol, state }) => [group, type, protocol, state]),
        );
      });
    },
  });
}
