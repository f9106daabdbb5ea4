/**
 * Reads a topic as a member of a consumer group (KIP-848): the coordinator says which partitions, and what was read is committed.
 *
 * @example
 * const reader = new GroupReader({ group: "readers", topic: "orders", begin, onAssigned }, cluster);
 * for await (const records of reader.read()) {
 *   print(records);
 *   await reader.commit(records);
 * }
 */
import { ConsumerGroupHeartbeat } from "../../../protocol/apis/68-consumer-group-heartbeat.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { RequestInputOf } from "../../../protocol/schema.ts";
import type { ClusterClient } from "../../client/cluster-client.ts";
import { randomUuid } from "../../metadata/storage/ids.ts";
import { type ConsumedRecord, consume } from "./consumer.ts";
import { atCoordinator, commitOffsets, committedOffsets } from "./groups.ts";

export interface GroupReaderOptions {
  readonly group: string;
  readonly topic: string;
  /** Where partitions begin for which the group has committed nothing. */
  readonly begin: (partitions: readonly number[]) => Promise<ReadonlyMap<number, number>>;
  /** Told of the partitions that it reads from now on. */
  readonly onAssigned: (partitions: readonly number[]) => void;
  /** Where partitions end; endless when left out. */
  readonly end?: ReadonlyMap<number, number>;
  readonly committedOnly?: boolean;
  readonly signal: AbortSignal;
}

type HeartbeatBody = Partial<RequestInputOf<typeof ConsumerGroupHeartbeat>>;

const JOIN_EPOCH = 0;
const LEAVE_EPOCH = -1;
/** The longest that it may be at work on records that somebody else shall have. */
const REBALANCE_TIMEOUT_MS = 60_000;
/** Between heartbeats while it has nothing to read: the sooner it hears of something, the better. */
const IDLE_INTERVAL_MS = 1_000;
/** It is no member any more, and has to begin again. */
const FENCED: ReadonlySet<number> = new Set([Errors.FENCED_MEMBER_EPOCH, Errors.UNKNOWN_MEMBER_ID]);

export class GroupReader {
  readonly #options: GroupReaderOptions;
  readonly #cluster: ClusterClient;
  readonly #memberId: string;
  #topicId = "";
  #epoch = JOIN_EPOCH;
  #intervalMs = 0;
  /** What the coordinator wants it to read. */
  #assigned: readonly number[] = [];
  /** Aborted when that is something else than before, or nothing can be known. */
  #change = new AbortController();
  #failure: unknown = null;
  #lastHeartbeat: Promise<unknown> = Promise.resolve();
  /** Ends the wait between two heartbeats for good. */
  readonly #closed = new AbortController();

  constructor(options: GroupReaderOptions, cluster: ClusterClient) {
    this.#options = options;
    this.#cluster = cluster;
    this.#memberId = randomUuid(cluster.platform.random);
  }

  /**
   * Records as they come. What was handed out is to be committed before the next are asked for: after that, their partition may be somebody else's. Ends
   * at the signal, or when all its partitions are at their ends; then it leaves the group. Throws `ApiError` and what {@link consume} throws.
   */
  async *read(): AsyncGenerator<ConsumedRecord[]> {
    const { topic, signal, end, committedOnly = false } = this.#options;
    this.#topicId = (await this.#cluster.topic(topic)).topicId;
    await this.#join();
    const beating = this.#keepBeating();
    try {
      while (!signal.aborted) {
        if (this.#failure !== null) throw this.#failure;
        if (this.#epoch === JOIN_EPOCH) await this.#join();
        const partitions = await this.#takeAssignment();
        if (partitions === null) continue;
        const stop = AbortSignal.any([signal, this.#change.signal]);
        if (partitions.length === 0) await aborted(stop);
        else {
          const start = await this.#positions(partitions);
          yield* consume(this.#cluster, { topic, start, ...(end ? { end } : {}), committedOnly, signal: stop });
          if (!stop.aborted) return;
        }
      }
    } finally {
      this.#closed.abort();
      await beating;
      if (this.#epoch > JOIN_EPOCH) await this.#heartbeat({ memberEpoch: LEAVE_EPOCH });
    }
  }

  /** Commits that these records were read. Does nothing when it was thrown out meanwhile: they then come again to whoever reads them next. */
  async commit(records: readonly ConsumedRecord[]): Promise<void> {
    if (records.length === 0 || this.#epoch === JOIN_EPOCH) return;
    const { group, topic } = this.#options;
    const ends = new Map<number, number>();
    for (const { partition, offset } of records) ends.set(partition, offset + 1);
    const offsets = Array.from(ends, ([partition, offset]) => ({ topic, partition, offset }));
    const member = () => ({ memberId: this.#memberId, epoch: this.#epoch });
    try {
      await commitOffsets(this.#cluster, group, offsets, member);
    } catch (error) {
      if (!(error instanceof ApiError) || !FENCED.has(error.code)) throw error;
      this.#fenced();
    }
  }

  /** Says that it reads what it is to read, and nothing else any more. Null when that has changed again. */
  async #takeAssignment(): Promise<readonly number[] | null> {
    const change = new AbortController();
    this.#change = change;
    const partitions = this.#assigned;
    await this.#heartbeat({
      topicPartitions: partitions.length === 0 ? [] : [{ topicId: this.#topicId, partitions: [...partitions] }],
    });
    if (change.signal.aborted) return null;
    this.#options.onAssigned(partitions);
    return partitions;
  }

  async #positions(partitions: readonly number[]): Promise<Map<number, number>> {
    const { group, topic, begin } = this.#options;
    const positions = new Map<number, number>();
    for (const committed of await committedOffsets(this.#cluster, group)) {
      if (committed.topic === topic && partitions.includes(committed.partition)) {
        positions.set(committed.partition, committed.offset);
      }
    }
    const others = partitions.filter(partition => !positions.has(partition));
    if (others.length > 0) for (const [partition, offset] of await begin(others)) positions.set(partition, offset);
    return positions;
  }

  // --- Membership

  #join(): Promise<void> {
    return this.#heartbeat({
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      subscribedTopicNames: [this.#options.topic],
      topicPartitions: [],
    });
  }

  /** Never rejects: what goes wrong ends the reading. */
  async #keepBeating(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await this.#pause(signal);
      if (signal.aborted || this.#epoch === JOIN_EPOCH) continue;
      try {
        await this.#heartbeat({});
      } catch (error) {
        this.#failure = error;
        this.#change.abort();
        return;
      }
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const intervalMs = this.#assigned.length > 0 ? this.#intervalMs : Math.min(this.#intervalMs, IDLE_INTERVAL_MS);
    const timer = this.#cluster.platform.timers.after(intervalMs, resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
    await promise;
    timer.clear();
  }

  /** One after the other: each builds on the epoch that the last one brought. */
  #heartbeat(body: HeartbeatBody): Promise<void> {
    const next = this.#lastHeartbeat.then(() => this.#send(body));
    this.#lastHeartbeat = next.catch(() => {});
    return next;
  }

  async #send(body: HeartbeatBody): Promise<void> {
    const { group } = this.#options;
    const { errorCode, errorMessage, memberEpoch, heartbeatIntervalMs, assignment } = await atCoordinator(
      this.#cluster,
      group,
      async node => {
        const response = await this.#cluster.request(
          ConsumerGroupHeartbeat,
          {
            groupId: group,
            memberId: this.#memberId,
            memberEpoch: this.#epoch,
            instanceId: null,
            rackId: null,
            rebalanceTimeoutMs: -1,
            subscribedTopicNames: null,
            subscribedTopicRegex: null,
            serverAssignor: null,
            topicPartitions: null,
            ...body,
          },
          { node },
        );
        if (FENCED.has(response.errorCode) || response.errorCode === Errors.NONE) return response;
        throw new ApiError(response.errorCode, response.errorMessage ?? undefined);
      },
    );
    if (body.memberEpoch === LEAVE_EPOCH) return;
    if (errorCode !== Errors.NONE) {
      if (this.#epoch === JOIN_EPOCH) throw new ApiError(errorCode, errorMessage ?? undefined);
      this.#fenced();
      return;
    }
    this.#epoch = memberEpoch;
    this.#intervalMs = heartbeatIntervalMs;
    if (assignment === null) return;
    const partitions = assignment.topicPartitions.flatMap(({ topicId, partitions }) =>
      topicId === this.#topicId ? partitions : [],
    );
    partitions.sort((left, right) => left - right);
    if (partitions.join() === this.#assigned.join()) return;
    this.#assigned = partitions;
    this.#change.abort();
  }

  #fenced(): void {
    this.#epoch = JOIN_EPOCH;
    this.#assigned = [];
    this.#change.abort();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
