import type { ClusterClient } from "../../../client/cluster-client.ts";
import {
  byPartition,
  committedOffsets,
  describeGroup,
  type GroupDescription,
  type GroupMember,
} from "../../client/groups.ts";
import { listOffsets, OffsetQuery } from "../../client/offsets.ts";
import { type CliContext, defineCommand, useCluster, withCluster, withJson } from "../../command.ts";
import { formatCount, plural, writeJson, writeTable } from "../../output.ts";
import type { Terminal } from "../../terminal.ts";

/** Where a group stands in one partition. Null: nothing committed, nobody reads it, or the topic is gone. */
interface PartitionPosition {
  readonly topic: string;
  readonly partition: number;
  readonly committed: number | null;
  readonly end: number | null;
  readonly lag: number | null;
  readonly memberId: string | null;
}

/** `samsa groups describe` */
export function describeGroupCommand(context: CliContext) {
  return defineCommand({
    command: "describe <group>",
    describe: "Show a group: its state, how far it has come in each partition, and who reads it",
    builder: yargs =>
      withCluster(
        withJson(
          yargs.positional("group", { type: "string", demandOption: true, describe: "Its id" }).option("members", {
            alias: "m",
            type: "boolean",
            default: false,
            describe: "Show the members instead of the partitions",
          }),
        ),
      ),
    handler: async args => {
      await useCluster(context, args, async cluster => {
        const group = await describeGroup(cluster, args.group);
        const partitions = await positionsOf(cluster, group);
        if (args.json) return writeJson(context.terminal, { ...group, partitions });
        await writeHeading(context.terminal, group, partitions);
        if (args.members) await writeMembers(context.terminal, group);
        else await writePartitions(context.terminal, group, partitions);
      });
    },
  });
}

async function positionsOf(cluster: ClusterClient, group: GroupDescription): Promise<PartitionPosition[]> {
  const known = new Map<
    string,
    { topic: string; partition: number; committed: number | null; memberId: string | null }
  >();
  for (const { topic, partition, offset } of await committedOffsets(cluster, group.group)) {
    known.set(`${topic}-${partition}`, { topic, partition, committed: offset, memberId: null });
  }
  for (const { memberId, assignment } of group.members) {
    for (const { topic, partitions } of assignment) {
      for (const partition of partitions) {
        const committed = known.get(`${topic}-${partition}`)?.committed ?? null;
        known.set(`${topic}-${partition}`, { topic, partition, committed, memberId });
      }
    }
  }
  const ends = await endsOf(cluster, [...known.values()]);
  return [...known.values()].sort(byPartition).map(({ topic, partition, committed, memberId }) => {
    const end = ends.get(`${topic}-${partition}`) ?? null;
    const lag = committed === null || end === null ? null : Math.max(0, end - committed);
    return { topic, partition, committed, end, lag, memberId };
  });
}

/** The ends of partitions; those that are not there any more are left out. */
async function endsOf(
  cluster: ClusterClient,
  partitions: readonly { topic: string; partition: number }[],
): Promise<Map<string, number>> {
  const ends = new Map<string, number>();
  if (partitions.length === 0) return ends;
  const wanted = Map.groupBy(partitions, ({ topic }) => topic);
  const { topics } = await cluster.retry(() => cluster.metadata([...wanted.keys()]));
  await Promise.all(
    topics.map(async ({ name, partitions: present }) => {
      const indexes = (wanted.get(name!) ?? [])
        .map(({ partition }) => partition)
        .filter(index => present.some(({ partitionIndex, leaderId }) => partitionIndex === index && leaderId >= 0));
      if (indexes.length === 0) return;
      for (const { partition, offset } of await listOffsets(cluster, name!, indexes, OffsetQuery.LATEST)) {
        ends.set(`${name}-${partition}`, offset);
      }
    }),
  );
  return ends;
}

async function writeHeading(
  terminal: Terminal,
  { group, type, state, assignor, coordinator, members }: GroupDescription,
  partitions: readonly PartitionPosition[],
): Promise<void> {
  const lag = partitions.reduce((sum, partition) => sum + (partition.lag ?? 0), 0);
  const facts = [
    `${type} group`,
    state.toLowerCase(),
    plural(members.length, "member"),
    ...(assignor === "" ? [] : [`assignor ${assignor}`]),
    `coordinator ${coordinator}`,
    `lag ${formatCount(lag)}`,
  ];
  await terminal.write(`${group}  ${facts.join(", ")}\n`);
}

async function writePartitions(
  terminal: Terminal,
  { members }: GroupDescription,
  partitions: readonly PartitionPosition[],
): Promise<void> {
  if (partitions.length === 0) return terminal.write("  It has committed nothing and reads nothing.\n");
  const memberOf = new Map(members.map(member => [member.memberId, member]));
  await writeTable(
    terminal,
    ["  topic", "partition", "committed", "end", "lag", "client", "host", "member"],
    partitions.map(({ topic, partition, committed, end, lag, memberId }) => {
      const member = memberId === null ? undefined : memberOf.get(memberId);
      return [
        `  ${topic}`,
        partition,
        committed ?? "-",
        end ?? "-",
        lag ?? "-",
        member?.clientId ?? "-",
        member?.host ?? "-",
        member === undefined ? "-" : nameOf(member),
      ];
    }),
  );
}

async function writeMembers(terminal: Terminal, { members, type }: GroupDescription): Promise<void> {
  if (members.length === 0) return terminal.write("  It has no members.\n");
  const hasEpochs = type === "consumer";
  await writeTable(
    terminal,
    ["  member", "client", "host", ...(hasEpochs ? ["epoch"] : []), "partitions"],
    members.map(member => [
      `  ${nameOf(member)}`,
      member.clientId,
      member.host,
      ...(hasEpochs ? [member.epoch] : []),
      assignmentText(member),
    ]),
  );
}

/** A static member is known by its instance id. */
function nameOf({ memberId, instanceId }: GroupMember): string {
  return instanceId ?? memberId;
}

function assignmentText({ assignment }: GroupMember): string {
  const texts = assignment.map(
    ({ topic, partitions }) => `${topic}(${[...partitions].sort((a, b) => a - b).join(",")})`,
  );
  return texts.length === 0 ? "none" : texts.sort().join(" ");
}
