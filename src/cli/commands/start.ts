import { CliFailure, usageFailure } from "../../client/failure.ts";
import { type BrokerConfig, formatAddress, formatListener } from "../../config/index.ts";
import { createLogger, type Logger } from "../../logging/index.ts";
import { DiskError } from "../../platform/platform.ts";
import { type CliContext, defineCommand, parsePairs, requireNumber } from "../command.ts";
import { loadConfig, type NodeConfigArguments, nodeConfigOptions, withNodeConfig } from "../node-config.ts";
import { readPlainly } from "../plain-arguments.ts";

const startOptions = {
  id: { type: "number", describe: "This node's number (node.id)", requiresArg: true },
  host: { type: "string", describe: "Address to listen on; 0.0.0.0 for all (listeners)", requiresArg: true },
  port: {
    type: "number",
    describe: "Port for clients; the controller's is 10,000 above (listeners)",
    requiresArg: true,
  },
  peers: {
    type: "string",
    array: true,
    describe: "The cluster's nodes, [id@]host:port of their client ports, with commas (samsa.peers)",
    requiresArg: true,
  },
  "data-dir": {
    alias: "d",
    type: "string",
    array: true,
    describe: "Directory for the data (log.dirs)",
    requiresArg: true,
  },
  "segment-size": {
    type: "string",
    describe: "Size of a segment, such as 64MiB (log.segment.bytes)",
    requiresArg: true,
  },
  "log-level": {
    type: "string",
    choices: ["debug", "info", "warn", "error"],
    describe: "The least important event to log (samsa.log.level)",
  },
  "log-format": {
    type: "string",
    choices: ["text", "json"],
    describe: "How events are written (samsa.log.format)",
  },
  "metrics-port": {
    type: "number",
    describe: "Serve Prometheus metrics there (samsa.metrics.listener)",
    requiresArg: true,
  },
} as const;

/** `samsa start` */
export function startCommand(context: CliContext) {
  return defineCommand({
    command: "start",
    describe: "Start a node: without any option, a broker on 127.0.0.1:9092 with its data in ./data",
    builder: yargs =>
      withNodeConfig(yargs)
        .options(startOptions)
        .example("$0 start --port 9094 --data-dir /tmp/samsa", "Another port and directory")
        .example("$0 start --id 2 --peers a:9092,b:9092,c:9092 --host b", "One of three nodes of a cluster")
        .example("$0 start --config server.properties", "As Apache Kafka is configured"),
    handler: args => start(args, context),
  });
}

/** The same for a line that is read without yargs; null when it has to be read by yargs. */
export function plainStart(args: readonly string[], context: CliContext): (() => Promise<void>) | null {
  const values = readPlainly(args, { ...nodeConfigOptions, ...startOptions });
  return values === null ? null : () => start(values as StartArguments, context);
}

/** The flags that stand for settings. */
export interface StartArguments extends Partial<NodeConfigArguments> {
  readonly id?: number | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly peers?: readonly string[] | undefined;
  readonly "data-dir"?: readonly string[] | undefined;
  readonly "segment-size"?: string | undefined;
  readonly "log-level"?: string | undefined;
  readonly "log-format"?: string | undefined;
  readonly "metrics-port"?: number | undefined;
}

/** Runs until the terminal asks for a stop, or the broker ends itself. */
async function start(args: StartArguments, context: CliContext): Promise<void> {
  const { terminal, platform } = context;
  const { config, problems } = loadConfig(args, settingsOf(args), context);
  const logger = createLogger({
    level: config.get("samsa.log.level") as "info",
    format: config.get("samsa.log.format") as "text",
    write: terminal.note,
    clock: platform.clock,
  });
  for (const { name, message } of problems) logger.warn("config.warning", { key: name, message });
  await runBroker(config, logger, context);
}

async function runBroker(
  config: BrokerConfig,
  logger: Logger,
  { terminal, platform, version }: CliContext,
): Promise<void> {
  // Loaded only here: the other commands start faster without it.
  const { Broker } = await import("../../broker.ts");
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const broker = new Broker({ config }, { platform, logger, onFatal: error => fail(error) });
  // A node may wait long for its cluster, and be told to stop meanwhile.
  const stopped = aborted(terminal.stop).then(() => broker.stop());
  try {
    await broker.start();
  } catch (error) {
    if (terminal.stop.aborted) {
      await stopped;
      return;
    }
    throw startFailure(error);
  }
  const metrics = broker.metricsAddress;
  const about = `(node ${config.nodeId}, data in ${config.logDirs.join(", ")})`;
  const { host, port } = config.hasRole("broker") ? broker.address : { host: "", port: -1 };
  const where = port < 0 ? "controls" : `clients connect to ${formatAddress(host, port)}`;
  await terminal.write(`Samsa ${version} is ready: ${where} ${about}.\n`);
  if (metrics !== null) await terminal.write(`Metrics: http://${metrics.host}:${metrics.port}/metrics\n`);
  try {
    await Promise.race([failed, stopped]);
  } catch (error) {
    throw new CliFailure(`The broker has ended itself: ${(error as Error).message}.`, {
      cause: error,
      advice:
        "Its log above says what happened. Nothing acknowledged is lost; start it again once the cause is mended.",
    });
  }
}

/** The flags as settings. `--override` comes first, so that the flag of a key wins over it. Throws a usage failure. */
export function settingsOf(args: StartArguments): Record<string, string> {
  requireNumber("id", args.id, 0);
  for (const option of ["port", "metrics-port"] as const) {
    requireNumber(option, args[option], 0);
    if ((args[option] ?? 0) > 65_535) throw usageFailure(`--${option}: ports go up to 65535.`);
  }
  const settings: Record<string, string> = Object.fromEntries(parsePairs("override", args.override));
  if (args.id !== undefined) settings["node.id"] = String(args.id);
  if (args.host !== undefined || args.port !== undefined) {
    // Clients cannot be sent to a wildcard address: an empty host listens everywhere and is advertised by the machine's name.
    const host = args.host === "0.0.0.0" || args.host === "::" ? "" : (args.host ?? "127.0.0.1");
    settings.listeners = formatListener({ name: "PLAINTEXT", host, port: args.port ?? 9092 });
  }
  if (args.peers !== undefined) settings["samsa.peers"] = args.peers.join(",");
  if (args["data-dir"] !== undefined) settings["log.dirs"] = args["data-dir"].join(",");
  if (args["segment-size"] !== undefined) settings["log.segment.bytes"] = String(parseSize(args["segment-size"]));
  if (args["log-level"] !== undefined) settings["samsa.log.level"] = args["log-level"];
  if (args["log-format"] !== undefined) settings["samsa.log.format"] = args["log-format"];
  if (args["metrics-port"] !== undefined)
    settings["samsa.metrics.listener"] = `${args.host ?? "127.0.0.1"}:${args["metrics-port"]}`;
  return settings;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Reads `1048576`, `64M`, `64MB`, `64MiB`, `1g`: units are powers of 1,024. Throws a usage failure. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim());
  const sizeBytes = match ? Number(match[1]) * UNITS[match[2]!.toLowerCase()]! : Number.NaN;
  if (!Number.isSafeInteger(sizeBytes))
    throw usageFailure(`--segment-size ${text}: expected a size such as 67108864, 64M or 1GiB.`);
  return sizeBytes;
}

/** What an operator can mend becomes a plain message; anything else keeps its stack. */
export function startFailure(error: unknown): unknown {
  if (error instanceof DiskError) {
    return new CliFailure(`The broker cannot start: ${error.operation} ${error.path} failed with ${error.code}.`, {
      cause: error,
      advice: "Check that the data directory exists, is writable and has room; --data-dir names another.",
    });
  }
  if (!(error instanceof Error) || !["BrokerStartError", "StorageError"].includes(error.name)) return error;
  const advice = error.message.includes("in use")
    ? "Is another broker running? --port takes another port, --data-dir another directory."
    : undefined;
  return new CliFailure(`The broker cannot start: ${error.message}.`, {
    cause: error,
    ...(advice === undefined ? {} : { advice }),
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
