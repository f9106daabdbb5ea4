import { type CliContext, defineGroup } from "../../command.ts";
import { alterTopicCommand } from "./alter.ts";
import { createTopicCommand } from "./create.ts";
import { deleteTopicsCommand } from "./delete.ts";
import { describeTopicsCommand } from "./describe.ts";
import { listTopicsCommand } from "./list.ts";
import { reassignTopicCommand } from "./reassign.ts";

/** `samsa topics …` */
export function topicsCommand(context: CliContext) {
  return defineGroup("topics", "Create, list, describe, delete, alter and move topics", [
    createTopicCommand(context),
    listTopicsCommand(context),
    describeTopicsCommand(context),
    deleteTopicsCommand(context),
    alterTopicCommand(context),
    reassignTopicCommand(context),
  ]);
}
