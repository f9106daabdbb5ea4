import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { usageFailure } from "../../../client/failure.ts";
import { type CliContext, defineCommand, parsePairs, requireNumber } from "../../command.ts";
import { ClusterFolder } from "../../local-cluster/cluster-folder.ts";
import { LocalCluster } from "../../local-cluster/local-cluster.ts";
import { plural, writeTable } from "../../output.ts";
import type { Terminal } from "../../terminal.ts";
import { awaitMembers, type FolderArguments, withFolder } from "./local.ts";

const DEFAULT_BROKERS = 3;
const DEFAULT_FIRST_PORT = 9092;
const START_TIMEOUT_MS = 60_000;

interface StartArguments extends FolderArguments {
  readonly brokers?: number | undefined;
  readonly port?: number | undefined;
  readonly foreground: boolean;
  readonly override?: readonly string[] | undefined;
}

/** `samsa cluster --brokers 3`, `samsa cluster start` */
export function startClusterCommand(context: CliContext) {
  return defineCommand({
    command: ["start", "$0"],
    describe: "Start a cluster of real processes on this machine, or the nodes of one that do not run",
    builder: yargs =>
      withFolder(yargs)
        .option("brokers", {
          type: "number",
          describe: `How many nodes a new cluster has, each broker and controller (default ${DEFAULT_BROKERS})`,
          requiresArg: true,
        })
        .option("port", {
          type: "number",
          describe: `Clients' port of the first node of a new cluster (default ${DEFAULT_FIRST_PORT}); the next free ones follow`,
          requiresArg: true,
        })
        .option("foreground", {
          type: "boolean",
          default: false,
          describe: "Show what the nodes print, and stop them with this command",
        })
        .option("override", {
          alias: "o",
          type: "string",
          array: true,
          describe: "Any setting of all nodes of a new cluster, as key=value",
          requiresArg: true,
        })
        .example("$0 cluster --brokers 3", "Three nodes with their data in ./samsa-cluster")
        .example("$0 cluster kill 2", "See what happens"),
    handler: args => start(args, context),
  });
}

async function start(args: StartArguments, context: CliContext): Promise<void> {
  const cluster = await openOrCreate(args);
  const stopped = cluster.nodes.filter(({ id }) => !cluster.isRunning(id)).map(({ id }) => id);
  const all = cluster.nodes.map(({ id }) => id);
  const children = stopped.map(id => (args.foreground ? cluster.startAttached(id) : cluster.start(id)));
  if (args.foreground) for (const [index, child] of children.entries()) show(stopped[index]!, child, context.terminal);
  try {
    await awaitMembers(cluster, all, START_TIMEOUT_MS, context);
  } catch (error) {
    await stopAll(cluster, stopped);
    throw error;
  }
  await describe(cluster, context.terminal);
  if (args.foreground) await runUntilStopped(cluster, stopped, children, context.terminal);
}

async function openOrCreate(args: StartArguments): Promise<LocalCluster> {
  requireNumber("brokers", args.brokers, 1);
  requireNumber("port", args.port, 1);
  const folder = new ClusterFolder(args["data-dir"]);
  if (!folder.exists) {
    const { brokers = DEFAULT_BROKERS, port = DEFAULT_FIRST_PORT } = args;
    const settings = Object.fromEntries(parsePairs("override", args.override));
    return LocalCluster.create(folder, { brokers, firstPort: port, settings });
  }
  const cluster = LocalCluster.open(folder);
  const { length } = cluster.nodes;
  if (args.brokers !== undefined && args.brokers !== length) {
    throw usageFailure(`The cluster in ${folder.path} has ${plural(length, "node")}; --data-dir names another folder.`);
  }
  if (args.port !== undefined || args.override !== undefined) {
    throw usageFailure(`The cluster in ${folder.path} is there already: --port and --override are for a new one.`);
  }
  return cluster;
}

async function describe(cluster: LocalCluster, terminal: Terminal): Promise<void> {
  const rows = cluster.nodes.map(node => [
    `  ${node.id}`,
    `127.0.0.1:${node.port}`,
    `127.0.0.1:${node.controllerPort}`,
    node.pid,
    cluster.folder.logFile(node),
  ]);
  await writeTable(terminal, ["  node", "clients", "controller", "process", "log"], rows);
  await terminal.write(`The cluster is ready: clients connect to ${cluster.bootstrapServers}\n`);
}

/** Each line that a node prints, with the node's number before it. */
function show(id: number, child: ChildProcess, terminal: Terminal): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on("line", line => terminal.note(`[${id}] ${line}\n`));
  }
}

/** Ends when it is asked to, or no node is left. */
async function runUntilStopped(
  cluster: LocalCluster,
  ids: readonly number[],
  children: readonly ChildProcess[],
  { stop }: Terminal,
): Promise<void> {
  const ended = Promise.all(children.map(child => hasEnded(child) || once(child, "exit")));
  const asked = stop.aborted ? Promise.resolve() : once(stop as unknown as EventTarget, "abort");
  await Promise.race([ended, asked]);
  await stopAll(cluster, ids);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function stopAll(cluster: LocalCluster, ids: readonly number[]): Promise<void> {
  await Promise.all(ids.map(id => cluster.stop(id)));
}
