import { type CliContext, defineGroup } from "../../command.ts";
import { clusterStatusCommand } from "./status.ts";

/** `samsa cluster …` */
export function clusterCommand(context: CliContext) {
  return defineGroup("cluster", "Look at the cluster as a whole", [clusterStatusCommand(context)]);
}
