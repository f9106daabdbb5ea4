import {
  type ClusterStatus,
  clusterStatus,
  type DirectoryStatus,
  type NodeStatus,
  type QuorumStatus,
} from "../../../client/cluster-status.ts";
import { type CliContext, defineCommand, useCluster, withCluster, withJson } from "../../command.ts";
import { formatBytes, formatCount, plural, writeJson, writeTable } from "../../output.ts";
import type { Terminal } from "../../terminal.ts";

/** Partitions in trouble named without `--json`; the others are counted. */
const NAMES_SHOWN = 10;

/** `samsa cluster status` */
export function clusterStatusCommand(context: CliContext) {
  return defineCommand({
    command: "status",
    describe: "Show the nodes, what each leads and holds, how far replicas are behind, and the quorum",
    builder: yargs => withCluster(withJson(yargs)),
    handler: async args => {
      await useCluster(context, args, async cluster => {
        const status = await clusterStatus(cluster);
        if (args.json) return writeJson(context.terminal, status);
        await writeStatus(context.terminal, status);
      });
    },
  });
}

async function writeStatus(terminal: Terminal, status: ClusterStatus): Promise<void> {
  const { clusterId, nodes, quorum, partitions } = status;
  await terminal.write(
    `cluster ${clusterId}  ${plural(nodes.length, "node")}, ${plural(partitions.topics, "topic")}, ${plural(partitions.count, "partition")}\n`,
  );
  await writeTable(
    terminal,
    ["  node", "address", "rack", "state", "leads", "replicas", "in sync", "lag", "data", "free"],
    nodes.map(nodeRow),
  );
  for (const node of nodes) {
    for (const { path, offline } of node.directories ?? []) {
      if (offline) await terminal.write(`  node ${node.node}: ${path} is offline\n`);
    }
  }
  await writeQuorum(terminal, quorum);
  await writePartitions(terminal, status);
}

function nodeRow({ node, host, port, rack, fenced, leads, replicas, inSync, directories }: NodeStatus) {
  const facts = [`  ${node}`, `${host}:${port}`, rack ?? "-", fenced ? "fenced" : "alive", leads, replicas, inSync];
  if (directories === null) return [...facts, "-", "-", "-"];
  const sum = (of: (directory: DirectoryStatus) => number): number =>
    directories.reduce((total, directory) => total + of(directory), 0);
  const isFreeKnown = directories.every(({ usableBytes }) => usableBytes !== null);
  return [
    ...facts,
    formatCount(sum(({ lag }) => lag)),
    formatBytes(sum(({ sizeBytes }) => sizeBytes)),
    isFreeKnown ? formatBytes(Math.min(...directories.map(({ usableBytes }) => usableBytes ?? 0))) : "-",
  ];
}

async function writeQuorum(terminal: Terminal, quorum: QuorumStatus): Promise<void> {
  const leader = quorum.leader < 0 ? "no leader" : `leader ${quorum.leader}`;
  await terminal.write(
    `quorum  ${leader}, epoch ${quorum.epoch}, high watermark ${formatCount(quorum.highWatermark)}\n`,
  );
  await writeTable(
    terminal,
    ["  node", "role", "end", "lag", "caught up"],
    [
      ...quorum.voters.map(replica => ({ ...replica, role: replica.node === quorum.leader ? "leader" : "voter" })),
      ...quorum.observers.map(replica => ({ ...replica, role: "observer" })),
    ].map(({ node, role, logEndOffset, lag, caughtUpMsAgo }) => [
      `  ${node}`,
      role,
      logEndOffset,
      lag,
      caughtUpMsAgo === null ? "-" : caughtUpMsAgo === 0 ? "now" : `${formatCount(caughtUpMsAgo)} ms ago`,
    ]),
  );
}

async function writePartitions(terminal: Terminal, { partitions, nodes }: ClusterStatus): Promise<void> {
  const { offline, underReplicated, notPreferred, moving } = partitions;
  const troubles = [
    ["offline", offline],
    ["under-replicated", underReplicated],
    ["not led by their preferred replica", notPreferred],
    ["being moved", moving],
  ] as const;
  const isWell = offline.length === 0 && underReplicated.length === 0 && nodes.every(({ fenced }) => !fenced);
  if (isWell) await terminal.write("partitions  all have a leader and all their replicas in sync\n");
  for (const [what, names] of troubles) {
    if (names.length === 0) continue;
    const shown = names.slice(0, NAMES_SHOWN).join(" ");
    const rest = names.length > NAMES_SHOWN ? ` and ${formatCount(names.length - NAMES_SHOWN)} more` : "";
    await terminal.write(`partitions  ${formatCount(names.length)} ${what}: ${shown}${rest}\n`);
  }
}
