/**
 * All that a broker serves, as a client gets it: for comparing Samsa with Kafka, a broker with itself after a restart, or with a list of what
 * should be there.
 *
 * ```ts
 * const served = await servedPartitions(connection, ["orders"]);
 * served[0].batches; // every byte from the log start to the high watermark
 * ```
 */
import { createHash } from "node:crypto";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { ListOffsets } from "../../protocol/apis/02-list-offsets.ts";
import { Metadata } from "../../protocol/apis/03-metadata.ts";
import { OffsetFetch } from "../../protocol/apis/09-offset-fetch.ts";
import { errorName } from "../../protocol/errors.ts";
import {
  attributesAt,
  baseOffsetAt,
  batchSizeAt,
  isControl,
  isTransactional,
  lastOffsetAt,
  producerIdAt,
  RECORD_BATCH_OVERHEAD,
} from "../../protocol/records/batch.ts";
import { type DecodedRecord, decodeRecords } from "../../protocol/records/record.ts";
import type { RpcConnection } from "../../src/rpc/index.ts";
import { fetchRequest } from "./broker.ts";

export interface ServedPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly logStartOffset: number;
  readonly lastStableOffset: number;
  readonly highWatermark: number;
  /** Whole batches from the one that holds the log start, up to the high watermark. */
  readonly batches: Buffer;
  /** What a reader of committed records gets. */
  readonly committed: readonly DecodedRecord[];
  /** By the recipe of the recorded data's manifest. */
  readonly sha256: string;
}

/** A client's maximum a fetch, small enough for many fetches a partition. */
const FETCH_SIZE_BYTES = 200_000;
const READ_COMMITTED = 1;
const EARLIEST = -2n;
const LATEST = -1n;

/** What is served of all topics, or of those named, internal ones too, in order. */
export async function servedPartitions(
  connection: RpcConnection,
  names: readonly string[] | null = null,
): Promise<ServedPartition[]> {
  const { topics } = await connection.send(Metadata, 12, {
    topics: names?.map(name => ({ name, topicId: "AAAAAAAAAAAAAAAAAAAAAA" })) ?? null,
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  const served: ServedPartition[] = [];
  for (const { name, topicId, errorCode, partitions } of topics.toSorted((a, b) => (a.name! < b.name! ? -1 : 1))) {
    if (errorCode !== 0) throw new Error(`${name}: ${errorName(errorCode)}`);
    for (const { partitionIndex } of partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex))
      served.push(await servedPartition(connection, name!, topicId, partitionIndex));
  }
  return served;
}

async function servedPartition(
  connection: RpcConnection,
  topic: string,
  topicId: string,
  partition: number,
): Promise<ServedPartition> {
  const offsetOf = (timestamp: bigint, isolationLevel: number): Promise<number> =>
    listOffset(connection, { topic, partition, timestamp, isolationLevel });
  const logStartOffset = await offsetOf(EARLIEST, 0);
  const highWatermark = await offsetOf(LATEST, 0);
  const lastStableOffset = await offsetOf(LATEST, READ_COMMITTED);
  const all = await fetchAll(connection, { topic, partition, isolationLevel: 0, from: logStartOffset });
  const stable = await fetchAll(connection, { topic, partition, isolationLevel: READ_COMMITTED, from: logStartOffset });
  const end = (batches: readonly Buffer[]): number =>
    batches.length === 0 ? logStartOffset : lastOffsetAt(batches.at(-1)!, 0) + 1;
  const at = `${topic}-${partition}`;
  if (all.highWatermark !== highWatermark || stable.lastStableOffset !== lastStableOffset)
    throw new Error(`${at}: Fetch and ListOffsets do not agree`);
  if (end(all.batches) > highWatermark || end(stable.batches) > lastStableOffset)
    throw new Error(`${at}: more was served than is committed`);
  const committed = committedRecords(stable.batches, stable.aborted).filter(({ offset }) => offset >= logStartOffset);
  return {
    topic,
    topicId,
    partition,
    logStartOffset,
    lastStableOffset,
    highWatermark,
    batches: Buffer.concat(all.batches),
    committed,
    sha256: checksumOf(committed),
  };
}

/** The answer of ListOffsets to one question. */
export async function listOffset(
  connection: RpcConnection,
  question: { topic: string; partition: number; timestamp: bigint; isolationLevel?: number },
): Promise<number> {
  const { topic, partition, timestamp, isolationLevel = 0 } = question;
  const { topics } = await connection.send(ListOffsets, 7, {
    replicaId: -1,
    isolationLevel,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }],
    timeoutMs: 10_000,
  });
  const [found] = topics[0]!.partitions;
  if (found!.errorCode !== 0) throw new Error(`ListOffsets ${topic}-${partition}: ${errorName(found!.errorCode)}`);
  return Number(found!.offset);
}

interface Fetched {
  readonly batches: readonly Buffer[];
  readonly aborted: readonly Aborted[];
  readonly highWatermark: number;
  readonly lastStableOffset: number;
}

interface Aborted {
  readonly producerId: number;
  readonly firstOffset: number;
}

async function fetchAll(
  connection: RpcConnection,
  options: { topic: string; partition: number; isolationLevel: number; from: number },
): Promise<Fetched> {
  const { topic, partition, isolationLevel } = options;
  const batches: Buffer[] = [];
  const aborted = new Map<string, Aborted>();
  let fetchOffset = options.from;
  for (;;) {
    const { responses } = await connection.send(
      Fetch,
      12,
      fetchRequest([{ topic, partition, fetchOffset, partitionMaxBytes: FETCH_SIZE_BYTES }], { isolationLevel }),
    );
    const [found] = responses[0]!.partitions;
    if (found!.errorCode !== 0) throw new Error(`Fetch ${topic}-${partition}: ${errorName(found!.errorCode)}`);
    for (const { producerId, firstOffset } of found!.abortedTransactions ?? [])
      aborted.set(`${producerId} ${firstOffset}`, { producerId: Number(producerId), firstOffset: Number(firstOffset) });
    const records = found!.records ?? Buffer.alloc(0);
    if (records.length === 0) {
      const { highWatermark, lastStableOffset } = found!;
      return {
        batches,
        aborted: [...aborted.values()],
        highWatermark: Number(highWatermark),
        lastStableOffset: Number(lastStableOffset),
      };
    }
    for (let position = 0; position < records.length; position += batchSizeAt(records, position)) {
      const batch = records.subarray(position, position + batchSizeAt(records, position));
      // Kafka may send a part of a batch at the end.
      if (position + batchSizeAt(records, position) > records.length) break;
      batches.push(batch);
      fetchOffset = lastOffsetAt(batch, 0) + 1;
    }
  }
}

/** As clients do it: what an aborted producer wrote is passed over from the transaction's first offset to its marker. */
function committedRecords(batches: readonly Buffer[], aborted: readonly Aborted[]): DecodedRecord[] {
  const waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const ignored = new Set<number>();
  const records: DecodedRecord[] = [];
  for (const batch of batches) {
    while (waiting.length > 0 && waiting[0]!.firstOffset <= lastOffsetAt(batch, 0))
      ignored.add(waiting.shift()!.producerId);
    const producerId = Number(producerIdAt(batch, 0));
    if (isControl(attributesAt(batch, 0))) ignored.delete(producerId);
    else if (!isTransactional(attributesAt(batch, 0)) || !ignored.has(producerId))
      records.push(...decodeRecords(batch));
  }
  return records;
}

function checksumOf(records: readonly DecodedRecord[]): string {
  const hash = createHash("sha256");
  const number = Buffer.alloc(8);
  for (const { offset, key, value } of records) {
    number.writeBigInt64BE(BigInt(offset));
    hash.update(number);
    for (const bytes of [key, value]) {
      number.writeInt32BE(bytes?.length ?? -1);
      hash.update(number.subarray(0, 4));
      if (bytes !== null) hash.update(bytes);
    }
  }
  return hash.digest("hex");
}

/** One committed offset of a group. */
export interface ServedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

/** All committed offsets of a group, in order; waits while its coordinator is loading. */
export async function servedOffsets(connection: RpcConnection, groupId: string): Promise<ServedOffset[]> {
  const { groups } = await connection.send(OffsetFetch, 9, {
    // Of versions below 8.
    groupId: "",
    topics: [],
    groups: [{ groupId, memberId: null, memberEpoch: -1, topics: null }],
    requireStable: true,
  });
  const [group] = groups;
  if (group!.errorCode !== 0) throw new Error(`OffsetFetch ${groupId}: ${errorName(group!.errorCode)}`);
  return group!.topics
    .flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, metadata }) => ({
        topic: name,
        partition: partitionIndex,
        offset: Number(committedOffset),
        leaderEpoch: committedLeaderEpoch,
        metadata,
      })),
    )
    .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
}

/** The batches of a partition's segment files from the one that holds `from`, up to `to`: what a broker has to serve. */
export function batchesBetween(files: readonly Buffer[], from: number, to: number): Buffer {
  const batches: Buffer[] = [];
  for (const file of files) {
    for (let position = 0; position + RECORD_BATCH_OVERHEAD <= file.length; ) {
      const batch = file.subarray(position, position + batchSizeAt(file, position));
      // The zeros of a file that was not trimmed.
      if (batch.length < RECORD_BATCH_OVERHEAD) break;
      if (lastOffsetAt(batch, 0) >= from && baseOffsetAt(batch, 0) < to) batches.push(batch);
      position += batch.length;
    }
  }
  return Buffer.concat(batches);
}
