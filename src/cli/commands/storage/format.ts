/**
 * Formats the directories of a node by hand, as `kafka-storage format` does. `samsa start` does so itself, with what its peers and it find out; this is for
 * those who want to say it all beforehand (KIP-853).
 */

import { CliFailure, usageFailure } from "../../../client/failure.ts";
import type { BrokerConfig } from "../../../config/index.ts";
import { nullLogger } from "../../../logging/index.ts";
import type { FormatPlan } from "../../../metadata/storage/format.ts";
import { initialVoter } from "../../../metadata/storage/format.ts";
import { isReservedUuid, isUuid, randomUuid } from "../../../metadata/storage/ids.ts";
import { lockStorage } from "../../../metadata/storage/storage.ts";
import { type CliContext, defineCommand } from "../../command.ts";
import { loadConfig, type NodeConfigArguments, withNodeConfig } from "../../node-config.ts";
import { startFailure } from "../start.ts";

export function formatCommand(context: CliContext) {
  return defineCommand({
    command: "format",
    describe: "Format the directories of a node that has not been started yet",
    builder: yargs =>
      withNodeConfig(yargs)
        .option("cluster-id", {
          alias: "t",
          type: "string",
          describe: "Id of the cluster: 22 letters, the same for all of its nodes",
          requiresArg: true,
        })
        .option("standalone", { type: "boolean", default: false, describe: "This node is the only voter, for now" })
        .option("initial-controllers", {
          type: "string",
          describe: "The voters, id@host:port:directory-id with commas, the same for all of them",
          requiresArg: true,
        })
        .option("no-initial-controllers", {
          type: "boolean",
          default: false,
          describe: "This node joins a quorum that is there",
        })
        .option("ignore-formatted", {
          alias: "g",
          type: "boolean",
          default: false,
          describe: "Directories that are formatted already are no failure",
        })
        // yargs would take the option for the opposite of another.
        .parserConfiguration({ "boolean-negation": false })
        .example("$0 storage format -c server.properties -t $(samsa storage random-uuid) --standalone", "One voter"),
    handler: args => format(args, context),
  });
}

interface FormatArguments extends NodeConfigArguments {
  readonly "cluster-id"?: string | undefined;
  readonly standalone: boolean;
  readonly "initial-controllers"?: string | undefined;
  readonly "no-initial-controllers": boolean;
  readonly "ignore-formatted": boolean;
}

async function format(args: FormatArguments, context: CliContext): Promise<void> {
  const { platform, terminal } = context;
  const { config } = loadConfig(args, {}, context);
  const plan = planOf(args, config, context);
  const options = {
    directories: config.logDirs,
    metadataDirectory: config.get("metadata.log.dir"),
    nodeId: config.nodeId,
    clusterId: plan.clusterId,
    formatIfNew: true,
  };
  try {
    const locked = lockStorage(options, { ...platform, logger: nullLogger });
    try {
      if (!locked.isNew && !args["ignore-formatted"]) {
        throw new CliFailure(`${locked.metadataPath} is formatted already.`, {
          advice: "--ignore-formatted leaves it as it is.",
        });
      }
      const { clusterId, directories } = locked.open(plan);
      const paths = directories.map(({ path, directoryId }) => `${path} (${directoryId})`);
      await terminal.write(`Node ${config.nodeId} of cluster ${clusterId}: ${paths.join(", ")}.\n`);
    } finally {
      locked.close();
    }
  } catch (error) {
    throw startFailure(error);
  }
}

function planOf(args: FormatArguments, config: BrokerConfig, { platform }: CliContext): FormatPlan {
  const clusterId = args["cluster-id"] ?? "";
  if (!isUuid(clusterId) || isReservedUuid(clusterId)) {
    throw usageFailure("--cluster-id: expected an id of 22 letters; samsa storage random-uuid makes one.");
  }
  const given = args["initial-controllers"];
  const ways = [args.standalone, given !== undefined, args["no-initial-controllers"]].filter(Boolean).length;
  const isStatic = config.get("controller.quorum.voters").length > 0;
  if (!config.hasRole("controller") || isStatic) {
    if (args.standalone || given !== undefined) {
      throw usageFailure("Voters are given for controllers only, and not where controller.quorum.voters has them.");
    }
    return { clusterId, initialVoters: null };
  }
  if (ways !== 1) {
    throw usageFailure("One of --standalone, --initial-controllers and --no-initial-controllers is needed.");
  }
  if (args["no-initial-controllers"]) return { clusterId, initialVoters: null };
  if (given === undefined) return standalone(clusterId, config, randomUuid(platform.random));
  const name = listenerName(config);
  const voters = given.split(",").map(entry => parseVoter(entry, name));
  const own = voters.find(({ nodeId }) => nodeId === config.nodeId);
  if (own === undefined) throw usageFailure(`--initial-controllers does not name this node (${config.nodeId}).`);
  return { clusterId, directoryId: own.directoryId, initialVoters: () => voters.map(initialVoter) };
}

function standalone(clusterId: string, config: BrokerConfig, directoryId: string): FormatPlan {
  const [listener] = config.controllerListeners();
  if (listener === undefined || listener.port === 0) {
    throw usageFailure("--standalone: the controller needs a listener with a port.");
  }
  const [advertised] = config.advertisedListeners();
  const host = listener.host === "" ? (advertised?.host ?? "localhost") : listener.host;
  const endpoints = [{ name: listener.name, host, port: listener.port }];
  return {
    clusterId,
    directoryId,
    initialVoters: () => [initialVoter({ nodeId: config.nodeId, directoryId, endpoints })],
  };
}

function parseVoter(text: string, name: string) {
  const match = /^(\d{1,10})@(?:\[([^\]]+)\]|([^:@[\]\s]+)):(\d{1,5}):([\w-]{22})$/.exec(text.trim());
  if (match === null || !isUuid(match[5]!)) {
    throw usageFailure(`--initial-controllers: ${text} is not of the form id@host:port:directory-id.`);
  }
  const [, id, address, host, port, directoryId] = match;
  return {
    nodeId: Number(id),
    directoryId: directoryId!,
    endpoints: [{ name, host: (address ?? host)!, port: Number(port) }],
  };
}

function listenerName(config: BrokerConfig): string {
  return config.controllerListenerNames[0] ?? "CONTROLLER";
}
