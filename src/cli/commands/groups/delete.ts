import { ApiError, Errors } from "../../../../protocol/errors.ts";
import { apiFailure, CliFailure } from "../../../client/failure.ts";
import { deleteGroup, describeGroup, isWithoutMembers } from "../../client/groups.ts";
import { type CliContext, defineCommand, useCluster, withCluster } from "../../command.ts";
import { plural } from "../../output.ts";

/** `samsa groups delete` */
export function deleteGroupsCommand(context: CliContext) {
  return defineCommand({
    command: "delete <groups..>",
    describe: "Delete groups with their offsets: a dry run, unless told to execute",
    builder: yargs =>
      withCluster(
        yargs
          .positional("groups", { type: "string", array: true, demandOption: true, describe: "Their ids" })
          .option("execute", { type: "boolean", default: false, describe: "Do it" }),
      ),
    handler: async args => {
      await useCluster(context, args, async cluster => {
        const failures: CliFailure[] = [];
        for (const group of args.groups) {
          try {
            const described = await describeGroup(cluster, group);
            if (!isWithoutMembers(described)) throw hasMembers(group, described.members.length);
            if (args.execute) await deleteGroup(cluster, group);
            await context.terminal.write(`${args.execute ? "Deleted" : "Would delete"} group ${group}.\n`);
          } catch (error) {
            if (error instanceof ApiError) failures.push(failureOf(group, error));
            else if (error instanceof CliFailure) failures.push(error);
            else throw error;
          }
        }
        if (failures.length === 1) throw failures[0];
        if (failures.length > 1) throw new CliFailure(failures.map(({ message }) => message).join("\n"));
        if (!args.execute) context.terminal.note("Nothing was changed; --execute does it.\n");
      });
    },
  });
}

/** The group has members: only they may move its offsets, and it cannot go. */
export function hasMembers(group: string, count: number): CliFailure {
  return new CliFailure(`Group ${group} has ${plural(count, "member")}.`, {
    advice: "Stop its consumers first; samsa groups describe --members shows them.",
  });
}

function failureOf(group: string, error: ApiError): CliFailure {
  if (error.code === Errors.NON_EMPTY_GROUP) return new CliFailure(`Group ${group} has members.`);
  return apiFailure(`Cannot delete group ${group}`, error.code, error.message);
}
