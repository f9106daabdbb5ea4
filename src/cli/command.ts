/** What all commands share: how one is defined, and the options of those that talk to a cluster. */
import type { AnyCommandModule, ArgumentsOf, Argv, CommandModule } from "yargs";
import type { ClusterClient } from "../client/cluster-client.ts";
import { usageFailure } from "../client/failure.ts";
import type { Platform } from "../platform/platform.ts";
import type { Terminal } from "./terminal.ts";

/** What a command is given to work with. */
export interface CliContext {
  readonly terminal: Terminal;
  readonly platform: Platform;
  /** Of the package. */
  readonly version: string;
}

/** Makes a command; the handler's arguments get their types from the builder's options. */
export function defineCommand<T>(definition: CommandModule<T>): CommandModule<T> {
  return definition;
}

/** A command that only holds others. */
export function defineGroup(name: string, describe: string, commands: readonly AnyCommandModule[]): AnyCommandModule {
  return {
    command: name,
    describe,
    builder: yargs => {
      for (const command of commands) yargs.command(command);
      return yargs.demandCommand(1, `samsa ${name} needs a command; samsa ${name} --help lists them.`);
    },
    handler: () => {},
  };
}

const clusterOptions = {
  "bootstrap-server": {
    alias: "b",
    type: "string",
    default: "127.0.0.1:9092",
    describe: "Brokers to connect to first, as host:port, separated by commas",
    requiresArg: true,
    group: "Cluster:",
  },
  timeout: {
    type: "number",
    default: 15_000,
    describe: "Milliseconds to keep trying for",
    requiresArg: true,
    group: "Cluster:",
  },
} as const;

export type ClusterArguments = ArgumentsOf<typeof clusterOptions>;

/** Adds the options that say which cluster. */
export function withCluster<T>(yargs: Argv<T>): Argv<T & ClusterArguments> {
  return yargs.options(clusterOptions);
}

/** Adds `--json`. */
export function withJson<T>(yargs: Argv<T>): Argv<T & { json: boolean }> {
  return yargs.option("json", { type: "boolean", default: false, describe: "Print JSON for programs" });
}

/** Runs `work` with a client of the cluster the arguments name, and closes it afterwards. */
export async function useCluster<R>(
  context: CliContext,
  args: ClusterArguments,
  work: (cluster: ClusterClient) => Promise<R>,
): Promise<R> {
  requireNumber("timeout", args.timeout, 1);
  // Loaded only here: samsa start needs no client.
  const { ClusterClient } = await import("../client/cluster-client.ts");
  const options = { bootstrapServers: args["bootstrap-server"], timeoutMs: args.timeout };
  const cluster = new ClusterClient(options, { platform: context.platform });
  try {
    return await work(cluster);
  } catch (error) {
    throw cluster.asFailure(error);
  } finally {
    cluster.close();
  }
}

/** Reads `--config a=b --config c=d`. Throws a usage failure for an entry without `=`. */
export function parsePairs(option: string, entries: readonly string[] | undefined): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const entry of entries ?? []) {
    const separator = entry.indexOf("=");
    if (separator < 1) throw usageFailure(`--${option} ${entry}: expected name=value.`);
    pairs.set(entry.slice(0, separator).trim(), entry.slice(separator + 1));
  }
  return pairs;
}

/** Throws a usage failure unless `value` is a whole number of at least `minimum`; left out is fine. */
export function requireNumber(option: string, value: number | undefined, minimum: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= minimum)) return;
  throw usageFailure(`--${option}: expected a whole number of at least ${minimum}.`);
}
