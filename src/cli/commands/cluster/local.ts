/** What the commands for local clusters share. */
import type { ArgumentsOf, Argv } from "yargs";
import { DescribeCluster } from "../../../../protocol/apis/60-describe-cluster.ts";
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import { ClusterClient } from "../../../client/cluster-client.ts";
import { CliFailure } from "../../../client/failure.ts";
import type { CliContext } from "../../command.ts";
import { ClusterFolder } from "../../local-cluster/cluster-folder.ts";
import { LocalCluster } from "../../local-cluster/local-cluster.ts";

/** A node that has just been started answers when it has joined; meanwhile another may be asked. */
const ANSWER_MS = 1_000;

const folderOptions = {
  "data-dir": {
    alias: "d",
    type: "string",
    default: "samsa-cluster",
    describe: "Folder of the local cluster",
    requiresArg: true,
  },
} as const;

export type FolderArguments = ArgumentsOf<typeof folderOptions>;

/** Adds the option that says which local cluster. */
export function withFolder<T>(yargs: Argv<T>): Argv<T & FolderArguments> {
  return yargs.options(folderOptions);
}

/** The cluster that the arguments name. Throws a failure when there is none. */
export function openLocalCluster(args: FolderArguments): LocalCluster {
  return LocalCluster.open(new ClusterFolder(args["data-dir"]));
}

/**
 * Resolves when all nodes of `ids` are members of the cluster in good standing. Rejects with a failure when that takes longer than `timeoutMs`, or
 * a node ends instead.
 */
export async function awaitMembers(
  cluster: LocalCluster,
  ids: readonly number[],
  timeoutMs: number,
  { platform }: CliContext,
): Promise<void> {
  const client = new ClusterClient({ bootstrapServers: cluster.bootstrapServers, timeoutMs }, { platform });
  let missing = ids;
  try {
    await client.retry(async remainingMs => {
      for (const id of ids) if (!cluster.isRunning(id)) throw endedFailure(cluster, id);
      const request = { includeClusterAuthorizedOperations: false, includeFencedBrokers: false };
      const { brokers } = await client.request(DescribeCluster, request, {
        timeoutMs: Math.min(remainingMs, ANSWER_MS),
      });
      missing = ids.filter(id => !brokers.some(({ brokerId }) => brokerId === id));
      if (missing.length > 0) throw new ApiError(Errors.REQUEST_TIMED_OUT);
    });
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    throw new CliFailure(`Node ${missing.join(", node ")} did not join the cluster in ${timeoutMs} ms.`, {
      cause: error,
      advice: `The logs are in ${cluster.folder.path}.`,
    });
  } finally {
    client.close();
  }
}

function endedFailure(cluster: LocalCluster, id: number): CliFailure {
  return new CliFailure(`Node ${id} has ended.`, { advice: `${cluster.folder.logFile(cluster.node(id))} says why.` });
}
