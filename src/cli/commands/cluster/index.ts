import type { AnyCommandModule } from "yargs";
import type { CliContext } from "../../command.ts";
import { killNodeCommand, restartNodeCommand, stopClusterCommand } from "./nodes.ts";
import { startClusterCommand } from "./start.ts";
import { clusterStatusCommand } from "./status.ts";

/** `samsa cluster …`: by itself it starts a local cluster. */
export function clusterCommand(context: CliContext): AnyCommandModule {
  const commands: readonly AnyCommandModule[] = [
    startClusterCommand(context),
    clusterStatusCommand(context),
    stopClusterCommand(context),
    killNodeCommand(context),
    restartNodeCommand(context),
  ];
  return {
    command: "cluster",
    describe: "Start a local cluster of several processes, and look at any cluster as a whole",
    builder: yargs => {
      for (const command of commands) yargs.command(command);
      return yargs;
    },
    handler: () => {},
  };
}
