import { type CliContext, defineGroup } from "../../command.ts";
import { benchLogCommand } from "./log.ts";

/** `samsa bench …` */
export function benchCommand(context: CliContext) {
  return defineGroup("bench", "Measure this machine and a cluster", [benchLogCommand(context)]);
}
