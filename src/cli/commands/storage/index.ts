import { type CliContext, defineGroup } from "../../command.ts";
import { formatCommand } from "./format.ts";
import { randomUuidCommand } from "./random-uuid.ts";

/** `samsa storage …` */
export function storageCommand(context: CliContext) {
  return defineGroup("storage", "Format directories by hand, as kafka-storage does", [
    formatCommand(context),
    randomUuidCommand(context),
  ]);
}
