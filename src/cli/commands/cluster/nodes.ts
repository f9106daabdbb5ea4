/** `samsa cluster stop`, `kill` and `restart`: what becomes of the nodes of a local cluster. */
import { type CliContext, defineCommand } from "../../command.ts";
import type { LocalCluster } from "../../local-cluster/local-cluster.ts";
import { awaitMembers, openLocalCluster, withFolder } from "./local.ts";

const RESTART_TIMEOUT_MS = 60_000;

/** `samsa cluster stop [node]` */
export function stopClusterCommand({ terminal }: CliContext) {
  return defineCommand({
    command: "stop [node]",
    describe: "Stop a node of the local cluster, or all",
    builder: yargs => withFolder(yargs).positional("node", { type: "number", describe: "The node's number" }),
    handler: async args => {
      const cluster = openLocalCluster(args);
      const ids = args.node === undefined ? cluster.nodes.map(({ id }) => id) : [args.node];
      const told = await Promise.all(ids.map(async id => sentence(id, await cluster.stop(id), "stopped")));
      await terminal.write(told.join(""));
    },
  });
}

/** `samsa cluster kill <node>` */
export function killNodeCommand({ terminal }: CliContext) {
  return defineCommand({
    command: "kill <node>",
    describe: "End a node of the local cluster as a crash would (kill -9)",
    builder: yargs => withNode(yargs),
    handler: async args => {
      await terminal.write(sentence(args.node, await openLocalCluster(args).kill(args.node), "killed"));
    },
  });
}

/** `samsa cluster restart <node>` */
export function restartNodeCommand(context: CliContext) {
  return defineCommand({
    command: "restart <node>",
    describe: "Stop a node of the local cluster, if it runs, and start it again",
    builder: yargs => withNode(yargs),
    handler: async args => {
      const cluster: LocalCluster = openLocalCluster(args);
      await cluster.stop(args.node);
      cluster.start(args.node);
      await awaitMembers(cluster, [args.node], RESTART_TIMEOUT_MS, context);
      await context.terminal.write(`Node ${args.node} is back: process ${cluster.node(args.node).pid}.\n`);
    },
  });
}

function withNode<T>(yargs: Parameters<typeof withFolder<T>>[0]) {
  return withFolder(yargs).positional("node", {
    type: "number",
    demandOption: true,
    describe: "The node's number",
  });
}

function sentence(id: number, wasRunning: boolean, what: string): string {
  return wasRunning ? `Node ${id} is ${what}.\n` : `Node ${id} did not run.\n`;
}
