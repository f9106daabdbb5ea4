import { type CliContext, defineGroup } from "../../command.ts";
import { deleteGroupsCommand } from "./delete.ts";
import { describeGroupCommand } from "./describe.ts";
import { listGroupsCommand } from "./list.ts";
import { resetOffsetsCommand } from "./reset-offsets.ts";

/** `samsa groups …` */
export function groupsCommand(context: CliContext) {
  return defineGroup("groups", "List, describe and delete consumer groups, and set their offsets", [
    listGroupsCommand(context),
    describeGroupCommand(context),
    resetOffsetsCommand(context),
    deleteGroupsCommand(context),
  ]);
}
