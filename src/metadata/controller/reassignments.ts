/**
 * Moving replicas to other brokers (KIP-455). A reassignment adds the new replicas to a partition's old ones; the leader takes them into the ISR as
 * they catch up, and with the last of them (`partition-change.ts`) the old ones go. All of that is in the partition's record, so whichever
 * controller is active goes on with it.
 */
import type { AlterPartitionReassignments } from "../../../protocol/apis/45-alter-partition-reassignments.ts";
import type { ListPartitionReassignments } from "../../../protocol/apis/46-list-partition-reassignments.ts";
import { ApiError, Errors, errorMessage } from "../../../protocol/errors.ts";
import type { RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { MetadataRecord } from "../records.ts";
import type { PartitionImage, TopicImage } from "../topics-image.ts";
import { checkedReplicas } from "./assignments.ts";
import { PARTITIONS_PER_STEP, type Step } from "./memberships.ts";
import { type ItemError, itemError, type Operation, tooManyRecords, unchanged } from "./operation.ts";
import { without } from "./partition-change.ts";
import { isReassigning } from "./partition-index.ts";
import { PartitionChanger } from "./partition-rules.ts";

type AlterRequest = RequestOf<typeof AlterPartitionReassignments>;
type AlterResponse = ResponseOf<typeof AlterPartitionReassignments>;
type ListRequest = RequestOf<typeof ListPartitionReassignments>;
type ListResponse = ResponseOf<typeof ListPartitionReassignments>;

/**
 * Decides AlterPartitionReassignments: each partition for itself.
 * Throws `ApiError` POLICY_VIOLATION when the request takes too many records.
 */
export function alterPartitionReassignments(
  request: AlterRequest,
  { config }: { readonly config: BrokerConfig },
): Operation<AlterResponse> {
  const maxRecords = config.get("samsa.controller.operation.records.max");
  return {
    name: "alter-partition-reassignments",
    decide(image) {
      const changer = new PartitionChanger(image, config);
      const records: MetadataRecord[] = [];
      const altered = new Set<string>();
      const responses = request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, replicas }) => {
          const key = `${name}:${partitionIndex}`;
          const isRepeated = altered.has(key);
          altered.add(key);
          const outcome = isRepeated
            ? itemError(Errors.INVALID_REQUEST, "The partition is named more than once.")
            : alterOne({ name, partitionIndex, replicas }, request.allowReplicationFactorChange, changer);
          if (outcome !== null && "errorCode" in outcome) return { partitionIndex, ...outcome };
          if (outcome !== null) records.push(outcome);
          if (records.length > maxRecords) throw tooManyRecords(maxRecords);
          return { partitionIndex, errorCode: Errors.NONE, errorMessage: null };
        }),
      }));
      const { allowReplicationFactorChange } = request;
      return {
        records,
        response: {
          throttleTimeMs: 0,
          allowReplicationFactorChange,
          errorCode: Errors.NONE,
          errorMessage: null,
          responses,
        },
      };
    },
  };
}

interface Reassignment {
  readonly name: string;
  readonly partitionIndex: number;
  /** Null takes back what is under way. */
  readonly replicas: readonly number[] | null;
}

/** Null where the partition is as wanted already. */
function alterOne(
  { name, partitionIndex, replicas }: Reassignment,
  mayChangeFactor: boolean,
  changer: PartitionChanger,
): MetadataRecord | ItemError | null {
  const topic = changer.image.topics.byName.get(name);
  if (topic === undefined) {
    return itemError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${name}.`);
  }
  const partition = topic.partitions[partitionIndex];
  if (partition === undefined) {
    return itemError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${name}:${partitionIndex}.`);
  }
  try {
    if (replicas === null) return cancel(topic, partition, changer);
    return reassign(topic, partition, checkedReplicas(replicas, changer.image), mayChangeFactor, changer);
  } catch (error) {
    if (error instanceof ApiError) return itemError(error.code, error.message);
    throw error;
  }
}

function reassign(
  topic: TopicImage,
  partition: PartitionImage,
  target: readonly number[],
  mayChangeFactor: boolean,
  changer: PartitionChanger,
): MetadataRecord | null {
  const factor = targetReplicas(partition).length;
  if (!mayChangeFactor && target.length !== factor) {
    throw new ApiError(
      Errors.INVALID_REPLICATION_FACTOR,
      `The replication factor is changed from ${factor} to ${target.length}`,
    );
  }
  const byId = (a: number, b: number) => a - b;
  const removingReplicas = without(partition.replicas, target).toSorted(byId);
  // A replica that an earlier reassignment was still adding is not one of those to rely on yet.
  const settled = without(partition.replicas, partition.addingReplicas);
  const addingReplicas = without(target, settled).toSorted(byId);
  return changer.change(topic, partition.partition, {
    replicas: [...target, ...removingReplicas],
    removingReplicas,
    addingReplicas,
    election: "online",
  });
}

/** Back to the replicas before. Refused where none of those in sync would be left, unless the topic allows unclean elections. */
function cancel(topic: TopicImage, partition: PartitionImage, changer: PartitionChanger): MetadataRecord | null {
  if (!isReassigning(partition)) {
    throw new ApiError(Errors.NO_REASSIGNMENT_IN_PROGRESS, errorMessage(Errors.NO_REASSIGNMENT_IN_PROGRESS));
  }
  const { addingReplicas } = partition;
  const isr = without(partition.isr, addingReplicas);
  const eligible = without(partition.eligibleLeaderReplicas, addingReplicas);
  const isUnclean = partition.isr.length > 0 ? isr.length === 0 : eligible.length === 0;
  if (isUnclean && !changer.settings.allowsUncleanElection(topic.name)) {
    throw new ApiError(
      Errors.INVALID_REPLICA_ASSIGNMENT,
      `Unable to revert partition assignment for ${topic.name}:${partition.partition} because it would require an unclean leader election.`,
    );
  }
  return changer.change(topic, partition.partition, {
    isr,
    replicas: without(partition.replicas, addingReplicas),
    removingReplicas: [],
    addingReplicas: [],
  });
}

/** Decides which moves end: those whose replicas are all in sync, and that are not too young. */
export function completeMoves({
  config,
  isYoungMove,
}: {
  readonly config: BrokerConfig;
  isYoungMove(topicId: string, partition: number): boolean;
}): Operation<Step> {
  return {
    name: "complete-moves",
    decide(image, _context, index) {
      const changer = new PartitionChanger(image, config);
      const records: MetadataRecord[] = [];
      for (const [topicId, number] of index.reassigning) {
        if (records.length === PARTITIONS_PER_STEP) return { records, response: { isLast: false } };
        const topic = image.topics.byId.get(topicId);
        if (topic === undefined || isYoungMove(topicId, number)) continue;
        const change = changer.change(topic, number, {});
        if (change !== null) records.push(change);
      }
      return { records, response: { isLast: true } };
    },
  };
}

/** The replicas once what is under way is done. */
function targetReplicas(partition: PartitionImage): readonly number[] {
  return without(partition.replicas, partition.removingReplicas);
}

/** Decides ListPartitionReassignments: of the partitions named, those that are being moved; all that are, when none is named. */
export function listPartitionReassignments({ topics }: ListRequest): Operation<ListResponse> {
  return {
    name: "list-partition-reassignments",
    decide(image, _context, index) {
      const listed = new Map<string, ListResponse["topics"][number]>();
      const list = (topic: TopicImage | undefined, number: number) => {
        const partition = topic?.partitions[number];
        if (topic === undefined || partition === undefined || !isReassigning(partition)) return;
        const entry = listed.get(topic.name) ?? { name: topic.name, partitions: [] };
        listed.set(topic.name, entry);
        if (entry.partitions.some(({ partitionIndex }) => partitionIndex === number)) return;
        entry.partitions.push({
          partitionIndex: number,
          replicas: [...partition.replicas],
          addingReplicas: [...partition.addingReplicas],
          removingReplicas: [...partition.removingReplicas],
        });
      };
      if (topics === null) {
        for (const [topicId, number] of index.reassigning) list(image.topics.byId.get(topicId), number);
      } else {
        for (const { name, partitionIndexes } of topics) {
          const topic = image.topics.byName.get(name);
          for (const number of partitionIndexes) list(topic, number);
        }
      }
      const response = { throttleTimeMs: 0, errorCode: Errors.NONE, errorMessage: null, topics: [...listed.values()] };
      return unchanged(response);
    },
  };
}
