import { type CliContext, defineGroup } from "../../command.ts";
import { dumpLogCommand } from "./dump.ts";

/** `samsa log …` */
export function logCommand(context: CliContext) {
  return defineGroup("log", "Look into the files of a data directory", [dumpLogCommand(context)]);
}
