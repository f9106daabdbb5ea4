/**
 * ListOffsets (2): offsets by timestamp, and the special ones at the ends of a log.
 *
 * - v0: a list of offsets at the starts of segments, newest first. Kafka dropped it (KIP-896); some clients' test suites send it still.
 * - v1: one offset and its timestamp (KIP-79). v2: isolation level. v4: leader epochs (KIP-320). v5: OFFSET_NOT_AVAILABLE (KIP-207). v6: flexible.
 * - v7: the record with the largest timestamp (KIP-734). v8: the earliest local offset (KIP-405). v9: the latest tiered one (KIP-1005).
 * - v10: a time limit (KIP-1075). v11: the earliest offset yet to be tiered (KIP-1023).
 */
import { ListOffsets } from "../../protocol/apis/02-list-offsets.ts";
import { Errors } from "../../protocol/errors.ts";
import type { RequestOf, ResponseInputOf } from "../../protocol/schema.ts";
import type { Partition } from "../replication/partition.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";

type TopicRequest = RequestOf<typeof ListOffsets>["topics"][number];
type PartitionRequest = TopicRequest["partitions"][number];
type PartitionResponse = ResponseInputOf<typeof ListOffsets>["topics"][number]["partitions"][number];

/** Timestamps that name a place rather than a time. */
export const ListOffsetsTimestamp = {
  LATEST: -1,
  EARLIEST: -2,
  MAX_TIMESTAMP: -3,
  EARLIEST_LOCAL: -4,
  LATEST_TIERED: -5,
  EARLIEST_PENDING_UPLOAD: -6,
} as const;

/** Since which version each may be asked for. */
const FIRST_VERSION_OF = new Map<number, number>([
  [ListOffsetsTimestamp.LATEST, 0],
  [ListOffsetsTimestamp.EARLIEST, 0],
  [ListOffsetsTimestamp.MAX_TIMESTAMP, 7],
  [ListOffsetsTimestamp.EARLIEST_LOCAL, 8],
  [ListOffsetsTimestamp.LATEST_TIERED, 9],
  [ListOffsetsTimestamp.EARLIEST_PENDING_UPLOAD, 11],
]);

const CONSUMER = -1;
const READ_COMMITTED = 1;
const FIRST_VERSION_WITH_LEADER_EPOCH = 4;
const FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE = 5;
const UNKNOWN = { timestamp: -1, offset: -1, leaderEpoch: -1 } as const;

export const listOffsets = handler(
  ListOffsets,
  async (request, context) => {
    const duplicates = duplicatePartitions(request.topics);
    const topics = [];
    for (const { name, partitions } of request.topics) {
      const responses: PartitionResponse[] = [];
      for (const partition of partitions) {
        const isDuplicate = duplicates.has(`${name}:${partition.partitionIndex}`);
        responses.push(
          isDuplicate ? failure(partition, Errors.INVALID_REQUEST) : await listOne(name, partition, request, context),
        );
      }
      topics.push({ name, partitions: responses });
    }
    return { throttleTimeMs: 0, topics };
  },
  (request, errorCode) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(partition => failure(partition, errorCode)),
    })),
  }),
);

async function listOne(
  topic: string,
  asked: PartitionRequest,
  request: RequestOf<typeof ListOffsets>,
  context: HandlerContext,
): Promise<PartitionResponse> {
  const timestamp = Number(asked.timestamp);
  if (timestamp < 0 && context.apiVersion < (FIRST_VERSION_OF.get(timestamp) ?? Number.POSITIVE_INFINITY)) {
    return failure(asked, Errors.UNSUPPORTED_VERSION);
  }
  const partition = context.replicas.get(topic, asked.partitionIndex);
  if (partition === undefined) return failure(asked, context.replicas.whyNot(topic, asked.partitionIndex));
  // What the client wrote a moment ago with acks=1 counts as well, once it is durable.
  if (request.replicaId === CONSUMER && partition.check(asked.currentLeaderEpoch) === Errors.NONE)
    await partition.settle();
  const errorCode = partition.check(asked.currentLeaderEpoch);
  if (errorCode !== Errors.NONE) return failure(asked, errorCode);
  const endOffset = readableEnd(partition, request.replicaId, request.isolationLevel);
  if (context.apiVersion === 0) return listSegments(asked, timestamp, partition, endOffset);
  const { leaderEpoch, ...found } = find(partition, timestamp, endOffset);
  if (request.replicaId === CONSUMER && mayBeHigher(partition, timestamp, found.offset))
    return failure(asked, notAvailable(context.apiVersion));
  const response = {
    partitionIndex: asked.partitionIndex,
    errorCode: Errors.NONE,
    oldStyleOffsets: NO_OFFSETS,
    ...found,
  };
  return context.apiVersion < FIRST_VERSION_WITH_LEADER_EPOCH ? response : { ...response, leaderEpoch };
}

const NO_OFFSETS: number[] = [];

/**
 * Whether the answer might be one that goes back behind what was told before the last election: the leader does not know yet how far its predecessor had
 * committed (KIP-207).
 */
function mayBeHigher(partition: Partition, timestamp: number, offset: number): boolean {
  if (partition.leader?.isWatermarkBehind !== true) return false;
  return timestamp === ListOffsetsTimestamp.LATEST || (isTime(timestamp) && offset === UNKNOWN.offset);
}

function isTime(timestamp: number): boolean {
  return timestamp >= 0 || timestamp === ListOffsetsTimestamp.MAX_TIMESTAMP;
}

/** Clients from before KIP-207 look for the leader again, and ask once more. */
function notAvailable(apiVersion: number): number {
  return apiVersion >= FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE
    ? Errors.OFFSET_NOT_AVAILABLE
    : Errors.LEADER_NOT_AVAILABLE;
}

function readableEnd(partition: Partition, replicaId: number, isolationLevel: number): number {
  if (replicaId !== CONSUMER) return partition.logEndOffset;
  return isolationLevel === READ_COMMITTED ? partition.lastStableOffset : partition.highWatermark;
}

function find(
  partition: Partition,
  timestamp: number,
  endOffset: number,
): { timestamp: number; offset: number; leaderEpoch: number } {
  const { log } = partition;
  switch (timestamp) {
    case ListOffsetsTimestamp.LATEST:
      return { timestamp: -1, offset: endOffset, leaderEpoch: partition.leaderEpoch };
    case ListOffsetsTimestamp.EARLIEST:
    case ListOffsetsTimestamp.EARLIEST_LOCAL:
      return {
        timestamp: -1,
        offset: log.logStartOffset,
        leaderEpoch: log.epochForOffset(log.logStartOffset),
      };
    // Without remote storage nothing is tiered, and nothing waits to be.
    case ListOffsetsTimestamp.LATEST_TIERED:
    case ListOffsetsTimestamp.EARLIEST_PENDING_UPLOAD:
      return UNKNOWN;
    default: {
      const found =
        timestamp === ListOffsetsTimestamp.MAX_TIMESTAMP ? log.maxTimestamp() : log.offsetForTimestamp(timestamp);
      return found === null || found.offset >= endOffset ? UNKNOWN : found;
    }
  }
}

/** Version 0: where segments start that hold nothing newer than the timestamp, newest first. */
function listSegments(
  asked: PartitionRequest,
  timestamp: number,
  partition: Partition,
  endOffset: number,
): PartitionResponse {
  const offsets: number[] = [];
  const { log } = partition;
  if (timestamp === ListOffsetsTimestamp.EARLIEST) offsets.push(log.logStartOffset);
  else {
    if (timestamp === ListOffsetsTimestamp.LATEST) offsets.push(endOffset);
    for (const segment of [...log.segments.all()].reverse()) {
      const startOffset = Math.max(segment.baseOffset, log.logStartOffset);
      const isOldEnough = timestamp === ListOffsetsTimestamp.LATEST || segment.modifiedMs <= timestamp;
      if (isOldEnough && startOffset < endOffset) offsets.push(startOffset);
    }
  }
  return {
    partitionIndex: asked.partitionIndex,
    errorCode: Errors.NONE,
    oldStyleOffsets: offsets.slice(0, Math.max(0, asked.maxNumOffsets)),
  };
}

function failure({ partitionIndex }: PartitionRequest, errorCode: number): PartitionResponse {
  return { partitionIndex, errorCode, oldStyleOffsets: NO_OFFSETS };
}

function duplicatePartitions(topics: readonly TopicRequest[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const duplicates = new Set<string>();
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}:${partitionIndex}`;
      if (seen.has(key)) duplicates.add(key);
      seen.add(key);
    }
  }
  return duplicates;
}
