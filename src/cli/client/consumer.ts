/**
 * Reads partitions from given offsets: one fetch in flight per leader, records in the order of their offsets within each partition.
 *
 * @example
 * for await (const records of consume(cluster, { topic: "orders", start: new Map([[0, 0]]) })) print(records);
 */
import { Fetch } from "../../../protocol/apis/01-fetch.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import {
  type DecodedBatch,
  type DecodedRecord,
  decodeBatches,
  decodeControlRecord,
} from "../../../protocol/records/index.ts";
import { type ResponseOf, ZERO_UUID } from "../../../protocol/schema.ts";
import type { ClusterClient, TopicMetadata } from "../../client/cluster-client.ts";
import { apiFailure } from "../../client/failure.ts";
import { isRetriable, sleep } from "../../client/retry.ts";
import { groupByLeader } from "./offsets.ts";

export interface ConsumeOptions {
  readonly topic: string;
  /** Where each partition to be read begins. */
  readonly start: ReadonlyMap<number, number>;
  /** Where a partition ends: its records from this offset on are left out, and the partition is done. Endless when left out. */
  readonly end?: ReadonlyMap<number, number>;
  /** Leave out records of open and aborted transactions. */
  readonly committedOnly?: boolean;
  /** Most bytes of one fetch. */
  readonly maxBytes?: number;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

export interface ConsumedRecord extends DecodedRecord {
  readonly partition: number;
}

type FetchedPartition = ResponseOf<typeof Fetch>["responses"][number]["partitions"][number];

const MAX_WAIT_MS = 500;
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
const RETRY_BACKOFF_MS = 100;
/** Highest version in which topics go by name. */
const MAX_FETCH_VERSION = 12;

/**
 * Records as they come, some at a time. Ends when every partition has come to its end, or at the signal. Throws a failure when an offset is out
 * of range, the topic goes away, or no leader can be reached within the cluster client's timeout.
 */
export async function* consume(cluster: ClusterClient, options: ConsumeOptions): AsyncGenerator<ConsumedRecord[]> {
  const positions = new Map(options.start);
  const isOpen = (partition: number): boolean =>
    positions.get(partition)! < (options.end?.get(partition) ?? Number.POSITIVE_INFINITY);
  let topic = await cluster.topic(options.topic);
  let troubleSinceMs: number | null = null;
  const pending = new Map<number, Promise<Fetched>>();
  const stopped = new Promise<null>(resolve => {
    if (options.signal?.aborted) resolve(null);
    options.signal?.addEventListener("abort", () => resolve(null), { once: true });
  });
  for (;;) {
    const open = [...positions.keys()].filter(isOpen);
    if (options.signal?.aborted || open.length === 0) return;
    try {
      for (const [leader, partitions] of groupByLeader(topic, open)) {
        if (!pending.has(leader)) pending.set(leader, fetchFrom(cluster, leader, partitions, positions, options));
      }
      const fetched = await Promise.race([...pending.values(), stopped]);
      if (fetched === null) return;
      pending.delete(fetched.leader);
      if (fetched.error !== null) throw fetched.error;
      const records = fetched.partitions.flatMap(partition => recordsOf(partition, positions, options));
      troubleSinceMs = null;
      if (records.length > 0) yield records;
    } catch (error) {
      const nowMs = cluster.platform.clock.monotonic();
      troubleSinceMs ??= nowMs;
      if (!isRetriable(error) || nowMs - troubleSinceMs > cluster.timeoutMs)
        throw asFailure(error, options.topic, positions);
      await sleep(RETRY_BACKOFF_MS, cluster.platform.timers);
      topic = await refreshed(cluster, topic);
    }
  }
}

interface Fetched {
  readonly leader: number;
  readonly partitions: readonly FetchedPartition[];
  readonly error: unknown;
}

/** Never rejects: the error is part of the outcome, so that a fetch nobody waits for any more is not an unhandled rejection. */
async function fetchFrom(
  cluster: ClusterClient,
  leader: number,
  partitions: readonly number[],
  positions: ReadonlyMap<number, number>,
  { topic, committedOnly = false, maxBytes = DEFAULT_MAX_BYTES }: ConsumeOptions,
): Promise<Fetched> {
  try {
    const response = await cluster.request(
      Fetch,
      {
        maxWaitMs: MAX_WAIT_MS,
        minBytes: 1,
        maxBytes,
        isolationLevel: committedOnly ? 1 : 0,
        topics: [
          {
            topic,
            topicId: ZERO_UUID,
            partitions: partitions.map(partition => ({
              partition,
              fetchOffset: positions.get(partition)!,
              partitionMaxBytes: maxBytes,
              replicaDirectoryId: ZERO_UUID,
            })),
          },
        ],
        forgottenTopicsData: [],
      },
      { node: leader, versions: { max: MAX_FETCH_VERSION }, timeoutMs: MAX_WAIT_MS + cluster.timeoutMs },
    );
    if (response.errorCode !== Errors.NONE) throw new ApiError(response.errorCode);
    return { leader, partitions: response.responses.flatMap(found => found.partitions), error: null };
  } catch (error) {
    return { leader, partitions: [], error };
  }
}

/** The records of a fetched partition that were asked for; moves its position on. Throws ApiError. */
function recordsOf(
  fetched: FetchedPartition,
  positions: Map<number, number>,
  options: ConsumeOptions,
): ConsumedRecord[] {
  const partition = fetched.partitionIndex;
  if (fetched.errorCode !== Errors.NONE) throw new OffsetError(fetched.errorCode, partition);
  const end = options.end?.get(partition) ?? Number.POSITIVE_INFINITY;
  const aborted = new AbortedFilter(options.committedOnly ? (fetched.abortedTransactions ?? []) : []);
  const records: ConsumedRecord[] = [];
  let position = positions.get(partition)!;
  for (const batch of decodeBatches(fetched.records ?? Buffer.alloc(0)).batches) {
    if (batch.magic === 2 && (batch.control || aborted.drops(batch))) {
      if (batch.control) aborted.sawControl(batch);
    } else {
      for (const record of batch.records) {
        if (record.offset >= position && record.offset < end) records.push({ headers: [], ...record, partition });
      }
    }
    position = Math.max(position, lastOffsetOf(batch) + 1);
  }
  positions.set(partition, position);
  return records;
}

function lastOffsetOf(batch: ReturnType<typeof decodeBatches>["batches"][number]): number {
  if (batch.magic === 2) return batch.lastOffset;
  return batch.records.at(-1)?.offset ?? batch.baseOffset;
}

/** Drops the batches of aborted transactions (KIP-98): from each one's first offset to the producer's abort marker. */
class AbortedFilter {
  readonly #upcoming: { producerId: number; firstOffset: number }[];
  readonly #open = new Set<number>();

  constructor(transactions: readonly { producerId: number; firstOffset: number }[]) {
    this.#upcoming = [...transactions].sort((left, right) => left.firstOffset - right.firstOffset);
  }

  drops(batch: DecodedBatch): boolean {
    while (this.#upcoming[0] && this.#upcoming[0].firstOffset <= batch.lastOffset)
      this.#open.add(this.#upcoming.shift()!.producerId);
    return batch.transactional && this.#open.has(batch.producerId);
  }

  sawControl(batch: DecodedBatch): void {
    const record = batch.records[0];
    if (record && decodeControlRecord(record.key, record.value).type === "abort") this.#open.delete(batch.producerId);
  }
}

class OffsetError extends ApiError {
  readonly partition: number;

  constructor(code: number, partition: number) {
    super(code);
    this.partition = partition;
  }
}

function asFailure(error: unknown, topic: string, positions: ReadonlyMap<number, number>): unknown {
  if (!(error instanceof ApiError)) return error;
  const where =
    error instanceof OffsetError ? `${topic}-${error.partition} at offset ${positions.get(error.partition)}` : topic;
  return apiFailure(`Cannot read ${where}`, error.code, error.message);
}

/** The topic as it is now; as it was when nobody can say. */
async function refreshed(cluster: ClusterClient, topic: TopicMetadata): Promise<TopicMetadata> {
  try {
    const found = (await cluster.metadata([topic.name!])).topics[0];
    return found && found.errorCode === Errors.NONE ? found : topic;
  } catch {
    return topic;
  }
}
