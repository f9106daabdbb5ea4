/**
 * AlterPartition: the leader of a partition says who is in sync (KIP-497).
 *
 * Three epochs guard it. The broker's: a process that was replaced says nothing any more. The leader's and the partition's: a leader decides by
 * what the partition is now, not by what it was. And every member that it names must be active, as the very process that the leader heard of
 * (KIP-841, KIP-903): an old fetch must not bring a broker into the ISR that has since lost its log.
 */
import type { AlterPartition } from "../../../protocol/apis/56-alter-partition.ts";
import { Errors } from "../../../protocol/errors.ts";
import type { RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { MetadataImage } from "../image.ts";
import type { MetadataRecord } from "../records.ts";
import { changedPartition, type PartitionImage, RECOVERED, RECOVERING, type TopicImage } from "../topics-image.ts";
import { defaultDirectory } from "./assignments.ts";
import { checkBrokerEpoch } from "./brokers.ts";
import type { Operation } from "./operation.ts";
import { mayServe, PartitionChanger } from "./partition-rules.ts";

type AlterRequest = RequestOf<typeof AlterPartition>;
type AlterResponse = ResponseOf<typeof AlterPartition>;
type ProposedPartition = AlterRequest["topics"][number]["partitions"][number];
type AlteredPartition = AlterResponse["topics"][number]["partitions"][number];

/** A proposed member of the ISR; an epoch of -1 is not checked. */
interface Member {
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

export interface AlterPartitionModules {
  readonly config: BrokerConfig;
  /** Whether a move of the partition is not to be completed yet. */
  readonly isYoungMove?: ((topicId: string, partition: number) => boolean) | undefined;
}

/**
 * Decides AlterPartition: each partition for itself, and answers with what it then is.
 * Throws `ApiError` STALE_BROKER_EPOCH for the whole.
 */
export function alterPartition(
  request: AlterRequest,
  { config, isYoungMove }: AlterPartitionModules,
): Operation<AlterResponse> {
  return {
    name: "alter-partition",
    decide(image) {
      checkBrokerEpoch(image, request.brokerId, request.brokerEpoch);
      const changer = new PartitionChanger(image, config);
      const records: MetadataRecord[] = [];
      // A partition that is named twice is decided once: the second would be decided by what it no longer is.
      const decided = new Set<string>();
      const topics = request.topics.map(({ topicId, partitions }) => ({
        topicId,
        partitions: partitions.map(proposed => {
          const topic = image.topics.byId.get(topicId);
          if (topic === undefined) return refused(proposed, Errors.UNKNOWN_TOPIC_ID);
          const key = `${topicId}:${proposed.partitionIndex}`;
          if (decided.has(key)) return refused(proposed, Errors.INVALID_REQUEST);
          decided.add(key);
          const goesOnMoving = isYoungMove?.(topicId, proposed.partitionIndex) ?? false;
          return alterOne(request.brokerId, topic, { ...proposed, goesOnMoving }, changer, records);
        }),
      }));
      return { records, response: { throttleTimeMs: 0, errorCode: Errors.NONE, topics } };
    },
  };
}

function alterOne(
  brokerId: number,
  topic: TopicImage,
  proposed: ProposedPartition & { readonly goesOnMoving: boolean },
  changer: PartitionChanger,
  records: MetadataRecord[],
): AlteredPartition {
  const partition = topic.partitions[proposed.partitionIndex];
  if (partition === undefined) return refused(proposed, Errors.UNKNOWN_TOPIC_OR_PARTITION);
  const members = membersOf(proposed);
  const problem = checkProposal(brokerId, partition, proposed, members, changer.image);
  if (problem !== Errors.NONE) return refused(proposed, problem);
  const target = {
    isr: members.map(member => member.brokerId),
    leaderRecoveryState: proposed.leaderRecoveryState,
    directories: directoriesOfJoining(partition, members, changer.image),
    goesOnMoving: proposed.goesOnMoving,
  };
  const change = changer.change(topic, proposed.partitionIndex, target);
  if (change === null) return altered(partition);
  records.push(change);
  const after = change.type === "PartitionChangeRecord" ? changedPartition(partition, change.value) : partition;
  // The change completes a reassignment that takes the leadership away: it is made, and its sender no longer the one to be told more.
  return after.leader === brokerId ? altered(after) : refused(proposed, Errors.NEW_LEADER_ELECTED);
}

/** Who joins has its replica in a directory that is online: where another one is on record, the replica is not there any more. */
function directoriesOfJoining(
  partition: PartitionImage,
  members: readonly Member[],
  image: MetadataImage,
): ReadonlyMap<number, string> {
  const directories = new Map<number, string>();
  for (const { brokerId } of members) {
    const directory = partition.directories[partition.replicas.indexOf(brokerId)];
    if (partition.isr.includes(brokerId) || mayServe(image, brokerId, directory)) continue;
    directories.set(brokerId, defaultDirectory(image.cluster.brokers.get(brokerId)));
  }
  return directories;
}

/** v3 has the members with their brokers' epochs. */
function membersOf({ newIsr, newIsrWithEpochs }: ProposedPartition): readonly Member[] {
  if (newIsrWithEpochs.length > 0) return newIsrWithEpochs;
  return newIsr.map(brokerId => ({ brokerId, brokerEpoch: -1 }));
}

/** In Kafka's order: a sender that is ahead of this controller must look for the active one. */
function checkProposal(
  brokerId: number,
  partition: PartitionImage,
  { leaderEpoch, partitionEpoch, leaderRecoveryState }: ProposedPartition,
  members: readonly Member[],
  image: MetadataImage,
): number {
  if (leaderEpoch > partition.leaderEpoch || partitionEpoch > partition.partitionEpoch) return Errors.NOT_CONTROLLER;
  if (leaderEpoch < partition.leaderEpoch) return Errors.FENCED_LEADER_EPOCH;
  if (brokerId !== partition.leader) return Errors.INVALID_REQUEST;
  if (partitionEpoch < partition.partitionEpoch) return Errors.INVALID_UPDATE_VERSION;
  const ids = new Set(members.map(member => member.brokerId));
  if (ids.size !== members.length || !members.every(member => partition.replicas.includes(member.brokerId))) {
    return Errors.INVALID_REQUEST;
  }
  if (!ids.has(partition.leader)) return Errors.INVALID_REQUEST;
  if (leaderRecoveryState !== RECOVERED && leaderRecoveryState !== RECOVERING) return Errors.INVALID_REQUEST;
  if (leaderRecoveryState === RECOVERING && (members.length > 1 || partition.leaderRecoveryState === RECOVERED)) {
    return Errors.INVALID_REQUEST;
  }
  return members.every(member => isEligible(member, image)) ? Errors.NONE : Errors.INELIGIBLE_REPLICA;
}

function isEligible({ brokerId, brokerEpoch }: Member, image: MetadataImage): boolean {
  const broker = image.cluster.brokers.get(brokerId);
  if (broker === undefined || broker.fenced || broker.inControlledShutdown) return false;
  return brokerEpoch === -1 || brokerEpoch === broker.epoch;
}

function altered(partition: PartitionImage): AlteredPartition {
  return {
    partitionIndex: partition.partition,
    errorCode: Errors.NONE,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    isr: [...partition.isr],
    leaderRecoveryState: partition.leaderRecoveryState,
    partitionEpoch: partition.partitionEpoch,
  };
}

function refused({ partitionIndex }: ProposedPartition, errorCode: number): AlteredPartition {
  return {
    partitionIndex,
    errorCode,
    leaderId: 0,
    leaderEpoch: 0,
    isr: [],
    leaderRecoveryState: RECOVERED,
    partitionEpoch: 0,
  };
}
