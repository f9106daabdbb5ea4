/** Consumer groups as an administrator sees them: listing, members and their partitions, committed offsets. */
import { OffsetCommit } from "../../../protocol/apis/08-offset-commit.ts";
import { OffsetFetch } from "../../../protocol/apis/09-offset-fetch.ts";
import { FindCoordinator } from "../../../protocol/apis/10-find-coordinator.ts";
import { DescribeGroups } from "../../../protocol/apis/15-describe-groups.ts";
import { ListGroups } from "../../../protocol/apis/16-list-groups.ts";
import { DeleteGroups } from "../../../protocol/apis/42-delete-groups.ts";
import { ConsumerGroupDescribe } from "../../../protocol/apis/69-consumer-group-describe.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { ConsumerProtocolAssignment } from "../../../protocol/internal/consumer-protocol.ts";
import { decodeEmbedded } from "../../../protocol/internal/versioned.ts";
import { ZERO_UUID } from "../../../protocol/schema.ts";
import type { ClusterClient } from "../../client/cluster-client.ts";
import { CliFailure } from "../../client/failure.ts";
import { RpcError } from "../../rpc/index.ts";

export interface ListedGroup {
  readonly group: string;
  /** `classic`, `consumer`, `share`, `streams`; empty when the broker does not tell. */
  readonly type: string;
  /** `consumer` for groups that consume; what else may be in a group says so here. */
  readonly protocol: string;
  /** Empty when the broker does not tell. */
  readonly state: string;
}

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface GroupMember {
  readonly memberId: string;
  /** Of a static member. */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly host: string;
  /** Null in classic groups, which do not tell. */
  readonly epoch: number | null;
  readonly assignment: readonly TopicPartitions[];
}

export interface GroupDescription {
  readonly group: string;
  readonly type: "classic" | "consumer";
  readonly state: string;
  readonly assignor: string;
  /** Node id. */
  readonly coordinator: number;
  /** Null in classic groups. */
  readonly epoch: number | null;
  readonly members: readonly GroupMember[];
}

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** States in which a group has no members, so that its offsets may be set from outside. */
const MEMBERLESS_STATES: ReadonlySet<string> = new Set(["Empty", "Dead"]);

/** From here on one request may ask for several keys. */
const FIRST_BATCHED_COORDINATORS = 4;
const FIRST_BATCHED_OFFSETS = 8;
/** The last versions that name topics rather than ids. */
const LAST_NAMED_OFFSETS = 9;

/** The group is not there. */
export class UnknownGroupError extends CliFailure {
  constructor(group: string) {
    super(`There is no group ${group}.`, { advice: "samsa groups list shows the groups there are." });
  }
}

/** The groups of all brokers, by name. */
export async function listGroups(cluster: ClusterClient): Promise<ListedGroup[]> {
  return cluster.retry(async () => {
    const { brokers } = await cluster.metadata([]);
    const answers = await Promise.all(
      brokers.map(({ nodeId }) =>
        cluster.request(ListGroups, { statesFilter: [], typesFilter: [] }, { node: nodeId, versions: { min: 0 } }),
      ),
    );
    const groups = new Map<string, ListedGroup>();
    for (const { errorCode, groups: found } of answers) {
      if (errorCode !== Errors.NONE) throw new ApiError(errorCode);
      for (const { groupId, groupType, protocolType, groupState } of found) {
        const type = groupType.toLowerCase();
        groups.set(groupId, { group: groupId, type, protocol: protocolType, state: groupState });
      }
    }
    return [...groups.values()].sort((left, right) => (left.group < right.group ? -1 : 1));
  });
}

/** A group with its members. Throws {@link UnknownGroupError}. */
export async function describeGroup(cluster: ClusterClient, group: string): Promise<GroupDescription> {
  const described = await atCoordinator(
    cluster,
    group,
    async node =>
      (await describeConsumerGroup(cluster, group, node)) ?? (await describeClassicGroup(cluster, group, node)),
  );
  if (described === null) throw new UnknownGroupError(group);
  return described;
}

/** Whether the offsets of a group may be changed from outside. */
export function isWithoutMembers({ state, members }: GroupDescription): boolean {
  return members.length === 0 && MEMBERLESS_STATES.has(state);
}

/** All offsets a group has committed, by topic and partition. */
export async function committedOffsets(cluster: ClusterClient, group: string): Promise<CommittedOffset[]> {
  return atCoordinator(cluster, group, async node => {
    const response = await cluster.request(
      OffsetFetch,
      { groupId: "", topics: [], groups: [{ groupId: group, topics: null }], requireStable: false },
      { node, versions: { min: FIRST_BATCHED_OFFSETS, max: LAST_NAMED_OFFSETS } },
    );
    const [answer] = response.groups;
    if (answer === undefined) throw new ApiError(Errors.UNKNOWN_SERVER_ERROR);
    if (answer.errorCode !== Errors.NONE) throw new ApiError(answer.errorCode);
    const offsets: CommittedOffset[] = [];
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, committedOffset, errorCode } of partitions) {
        if (errorCode !== Errors.NONE) throw new ApiError(errorCode);
        if (committedOffset >= 0n) {
          offsets.push({ topic: name, partition: partitionIndex, offset: Number(committedOffset) });
        }
      }
    }
    return offsets.sort(byPartition);
  });
}

/** Who commits: a member of the group, in its epoch as it is at that moment. */
export type Committer = () => { readonly memberId: string; readonly epoch: number };

const NO_MEMBER: Committer = () => ({ memberId: "", epoch: -1 });

/**
 * Sets offsets of a group: as one of its members, or from outside where it has none. Throws `ApiError` with the first error of a partition.
 */
export async function commitOffsets(
  cluster: ClusterClient,
  group: string,
  offsets: readonly CommittedOffset[],
  committer: Committer = NO_MEMBER,
): Promise<void> {
  const byTopic = Map.groupBy(offsets, ({ topic }) => topic);
  await atCoordinator(cluster, group, async node => {
    const { memberId, epoch } = committer();
    const { topics } = await cluster.request(
      OffsetCommit,
      {
        groupId: group,
        generationIdOrMemberEpoch: epoch,
        memberId,
        topics: [...byTopic].map(([name, ofTopic]) => ({
          name,
          topicId: ZERO_UUID,
          partitions: ofTopic.map(({ partition, offset }) => ({
            partitionIndex: partition,
            committedOffset: BigInt(offset),
            committedMetadata: "",
          })),
        })),
      },
      { node, versions: { max: LAST_NAMED_OFFSETS } },
    );
    for (const { partitions } of topics) {
      for (const { errorCode } of partitions) if (errorCode !== Errors.NONE) throw new ApiError(errorCode);
    }
  });
}

/** Removes a group and its offsets. Throws `ApiError`, e.g. NON_EMPTY_GROUP; {@link UnknownGroupError}. */
export async function deleteGroup(cluster: ClusterClient, group: string): Promise<void> {
  await atCoordinator(cluster, group, async node => {
    const { results } = await cluster.request(DeleteGroups, { groupsNames: [group] }, { node });
    const errorCode = results[0]?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR;
    if (errorCode === Errors.GROUP_ID_NOT_FOUND) throw new UnknownGroupError(group);
    if (errorCode !== Errors.NONE) throw new ApiError(errorCode);
  });
}

export function byPartition(
  left: { topic: string; partition: number },
  right: { topic: string; partition: number },
): number {
  if (left.topic !== right.topic) return left.topic < right.topic ? -1 : 1;
  return left.partition - right.partition;
}

/** Tries `work` at the group's coordinator, looked up anew each time, until the client's timeout. */
export function atCoordinator<R>(
  cluster: ClusterClient,
  group: string,
  work: (node: number) => Promise<R>,
): Promise<R> {
  return cluster.retry(async () => {
    const { coordinators } = await cluster.request(
      FindCoordinator,
      { key: "", keyType: 0, coordinatorKeys: [group] },
      { versions: { min: FIRST_BATCHED_COORDINATORS } },
    );
    const { errorCode, errorMessage, nodeId } = coordinators[0] ?? {
      errorCode: Errors.COORDINATOR_NOT_AVAILABLE,
      errorMessage: null,
      nodeId: -1,
    };
    if (errorCode !== Errors.NONE) throw new ApiError(errorCode, errorMessage ?? undefined);
    return work(nodeId);
  });
}

/** A group of KIP-848; null when it is none, or the broker knows none. */
async function describeConsumerGroup(
  cluster: ClusterClient,
  group: string,
  coordinator: number,
): Promise<GroupDescription | null> {
  const body = { groupIds: [group], includeAuthorizedOperations: false };
  const response = await cluster.request(ConsumerGroupDescribe, body, { node: coordinator }).catch((error: unknown) => {
    if (error instanceof RpcError && error.code === "unsupported") return null;
    throw error;
  });
  const described = response?.groups[0];
  if (described === undefined || described.errorCode === Errors.GROUP_ID_NOT_FOUND) return null;
  if (described.errorCode !== Errors.NONE) throw new ApiError(described.errorCode, described.errorMessage ?? undefined);
  return {
    group,
    type: "consumer",
    state: described.groupState,
    assignor: described.assignorName,
    coordinator,
    epoch: described.groupEpoch,
    members: described.members.map(member => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      clientId: member.clientId,
      host: member.clientHost,
      epoch: member.memberEpoch,
      assignment: member.assignment.topicPartitions.map(({ topicName, partitions }) => ({
        topic: topicName,
        partitions,
      })),
    })),
  };
}

/** Null when it is not there. */
async function describeClassicGroup(
  cluster: ClusterClient,
  group: string,
  coordinator: number,
): Promise<GroupDescription | null> {
  const body = { groups: [group], includeAuthorizedOperations: false };
  const described = (await cluster.request(DescribeGroups, body, { node: coordinator })).groups[0];
  if (described === undefined || described.errorCode === Errors.GROUP_ID_NOT_FOUND) return null;
  if (described.errorCode !== Errors.NONE) throw new ApiError(described.errorCode, described.errorMessage ?? undefined);
  if (described.groupState === "Dead") return null;
  return {
    group,
    type: "classic",
    state: described.groupState,
    assignor: described.protocolData,
    coordinator,
    epoch: null,
    members: described.members.map(member => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      host: member.clientHost,
      epoch: null,
      assignment: described.protocolType === "consumer" ? classicAssignment(member.memberAssignment) : [],
    })),
  };
}

/** What a member of a classic group was given; nothing before its first assignment, or when it is in another format. */
function classicAssignment(bytes: Buffer): readonly TopicPartitions[] {
  if (bytes.length === 0) return [];
  try {
    return decodeEmbedded(ConsumerProtocolAssignment, bytes).value.assignedPartitions;
  } catch {
    return [];
  }
}
