import { randomUuid } from "../../../metadata/storage/ids.ts";
import { type CliContext, defineCommand } from "../../command.ts";

/** `samsa storage random-uuid` */
export function randomUuidCommand({ platform, terminal }: CliContext) {
  return defineCommand({
    command: "random-uuid",
    describe: "Print a new id, for a cluster or a directory",
    builder: yargs => yargs,
    handler: () => terminal.write(`${randomUuid(platform.random)}\n`),
  });
}
