/**
 * A consumer that reads whole partitions from the beginning, from whoever leads them, with fetch sessions or without, and checks each record that it
 * is given: no gap, nothing twice, nothing that anybody else saw differently, nothing above the high watermark.
 */
import { Fetch } from "../../../../protocol/apis/01-fetch.ts";
import { ListOffsets } from "../../../../protocol/apis/02-list-offsets.ts";
import { Errors, errorName } from "../../../../protocol/errors.ts";
import { batchSizeAt, decodeRecords, partitionLeaderEpochAt } from "../../../../protocol/records/index.ts";
import type { RequestInputOf, ResponseOf } from "../../../../protocol/schema.ts";
import { ZERO_UUID } from "../../../../protocol/schema.ts";
import { RpcError } from "../../../../src/rpc/index.ts";
import { InvariantError } from "../../world.ts";
import { type History, keyOf, ReadOrder, textOf } from "../history.ts";
import type { SimClient } from "./sim-client.ts";

export interface SimConsumerOptions {
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly maxVersion: number;
  readonly usesSessions: boolean;
  /** Waits between fetches, by chance up to this. */
  readonly pauseMs: number;
}

type FetchResult = ResponseOf<typeof Fetch>["responses"][number]["partitions"][number];

interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  order: ReadOrder | null;
  lastEpoch: number;
  /** As the leader last told. */
  endOffset: number;
  /** The leader epoch that the last request named; -1 for none. */
  askedEpoch: number;
}

interface Session {
  id: number;
  epoch: number;
  /** What the broker was last told of each partition, by key. */
  told: Map<string, number>;
}

const EARLIEST = -2n;

const RETRIABLE = new Set<number>([
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.LEADER_NOT_AVAILABLE,
  Errors.REPLICA_NOT_AVAILABLE,
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.UNKNOWN_TOPIC_ID,
  Errors.INCONSISTENT_TOPIC_ID,
  Errors.FENCED_LEADER_EPOCH,
  Errors.UNKNOWN_LEADER_EPOCH,
  Errors.KAFKA_STORAGE_ERROR,
  Errors.OFFSET_NOT_AVAILABLE,
]);

export class SimConsumer {
  readonly #options: SimConsumerOptions;
  readonly #client: SimClient;
  readonly #history: History;
  readonly #fail: (error: Error) => void;
  readonly #positions: Position[];
  readonly #sessions = new Map<number, Session>();
  #isStopped = false;

  constructor(
    options: SimConsumerOptions,
    modules: { client: SimClient; history: History; fail: (error: Error) => void },
  ) {
    this.#options = options;
    this.#client = modules.client;
    this.#history = modules.history;
    this.#fail = modules.fail;
    this.#positions = options.partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      key: keyOf(topic, partition),
      order: null,
      lastEpoch: -1,
      endOffset: -1,
      askedEpoch: -1,
    }));
  }

  start(): void {
    this.#run().catch((error: unknown) => this.#fail(error as Error));
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Whether it has read all there is, up to what was acknowledged at least. */
  get isCaughtUp(): boolean {
    return this.#positions.every(({ key, order, endOffset }) => {
      const wanted = Math.max(this.#history.partition(key).endOffset, endOffset);
      return order !== null && endOffset >= 0 && order.nextOffset >= wanted;
    });
  }

  describe(): string {
    return this.#positions
      .map(({ key, order, endOffset }) => {
        return `${key} ${order?.nextOffset ?? "none"}/${endOffset}, known ${this.#history.partition(key).endOffset}`;
      })
      .join("; ");
  }

  /** Where it began and got to in each partition. */
  *progress(): Iterable<{ key: string; startOffset: number; nextOffset: number }> {
    for (const { key, order } of this.#positions) {
      if (order !== null) yield { key, startOffset: order.startOffset, nextOffset: order.nextOffset };
    }
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const byLeader = new Map<number, Position[]>();
      let isAnyUnled = false;
      for (const position of this.#positions) {
        const leaderId = this.#client.partition(position.topic, position.partition)?.leaderId ?? -1;
        if (leaderId < 0) isAnyUnled = true;
        else byLeader.set(leaderId, [...(byLeader.get(leaderId) ?? []), position]);
      }
      const rounds = [...byLeader].map(([leaderId, positions]) => this.#round(leaderId, positions));
      const areFine = await Promise.all(rounds);
      if (isAnyUnled || areFine.includes(false)) {
        await this.#client.refresh();
        await this.#client.sleep(20 + 40 * this.#client.random.float());
      } else await this.#client.sleep(1 + this.#options.pauseMs * this.#client.random.float());
    }
  }

  /** False when the metadata may be stale. */
  async #round(leaderId: number, positions: readonly Position[]): Promise<boolean> {
    try {
      const fresh = positions.filter(({ order }) => order === null);
      if (fresh.length > 0) return await this.#findStart(leaderId, fresh);
      return await this.#fetch(leaderId, positions);
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.#sessions.delete(leaderId);
      this.#client.note(`cannot fetch from ${leaderId}: ${error.message}`);
      return false;
    }
  }

  async #findStart(leaderId: number, positions: readonly Position[]): Promise<boolean> {
    const body: RequestInputOf<typeof ListOffsets> = {
      replicaId: -1,
      isolationLevel: 0,
      topics: positions.map(({ topic, partition }) => ({
        name: topic,
        partitions: [{ partitionIndex: partition, timestamp: EARLIEST }],
      })),
      timeoutMs: 1_000,
    };
    const { topics } = await this.#client.toNode(leaderId, ListOffsets, body);
    let isFine = true;
    for (const { name, partitions } of topics) {
      for (const { partitionIndex, errorCode, offset } of partitions) {
        const position = positions.find(({ topic, partition }) => topic === name && partition === partitionIndex)!;
        if (errorCode !== Errors.NONE) {
          this.#check(position, errorCode);
          isFine = false;
          continue;
        }
        this.#checkStart(position, offset);
        position.order = new ReadOrder(position.key, offset, this.#history);
        position.lastEpoch = -1;
      }
    }
    return isFine;
  }

  #checkStart({ key }: Position, startOffset: number): void {
    const { maybeDeletedTo } = this.#history.partition(key);
    if (startOffset > maybeDeletedTo) {
      throw new InvariantError(`${key} begins at ${startOffset}; deletion was asked for up to ${maybeDeletedTo}`);
    }
  }

  async #fetch(leaderId: number, positions: readonly Position[]): Promise<boolean> {
    const { maxVersion, usesSessions } = this.#options;
    const session = usesSessions ? this.#session(leaderId) : null;
    const asked = session === null ? positions : positions.filter(each => isNews(session, each));
    const offsets = new Map(positions.map(each => [each.key, each.order!.nextOffset]));
    const gone = session === null ? [] : [...session.told.keys()].filter(key => !offsets.has(key));
    for (const each of asked) each.askedEpoch = this.#client.partition(each.topic, each.partition)?.leaderEpoch ?? -1;
    const body = this.#request(session, asked, gone);
    const response = await this.#client.toNode(leaderId, Fetch, body, { versions: { max: maxVersion } });
    if (response.errorCode !== Errors.NONE) {
      this.#client.note(`session with ${leaderId} over: ${errorName(response.errorCode)}`);
      this.#sessions.delete(leaderId);
      return true;
    }
    if (session !== null) {
      if (response.sessionId !== session.id) session.told.clear();
      session.id = response.sessionId;
      session.epoch = response.sessionId === 0 ? 0 : session.epoch + 1;
      if (session.id !== 0) for (const each of asked) session.told.set(each.key, offsets.get(each.key)!);
      for (const key of gone) session.told.delete(key);
    }
    let isFine = true;
    for (const { topic, topicId, partitions } of response.responses) {
      for (const result of partitions) {
        const position = positions.find(each => {
          const isTopic = topic === each.topic || this.#client.topics.get(each.topic)?.id === topicId;
          return isTopic && each.partition === result.partitionIndex;
        });
        if (position === undefined) continue;
        if (!this.#take(position, result, offsets.get(position.key)!)) {
          session?.told.delete(position.key);
          isFine = false;
        }
      }
    }
    return isFine;
  }

  #request(session: Session | null, asked: readonly Position[], gone: readonly string[]): RequestInputOf<typeof Fetch> {
    const { maxWaitMs, maxBytes, maxVersion } = this.#options;
    const idOf = (topic: string): string => this.#client.topics.get(topic)?.id ?? ZERO_UUID;
    return {
      maxWaitMs,
      minBytes: 1,
      maxBytes,
      isolationLevel: 0,
      sessionId: session?.id ?? 0,
      sessionEpoch: session?.epoch ?? -1,
      topics: asked.map(({ topic, partition, order, lastEpoch, askedEpoch }) => ({
        topic,
        topicId: idOf(topic),
        partitions: [
          {
            partition,
            currentLeaderEpoch: askedEpoch,
            fetchOffset: order!.nextOffset,
            lastFetchedEpoch: maxVersion >= 12 ? lastEpoch : -1,
            partitionMaxBytes: maxBytes,
          },
        ],
      })),
      forgottenTopicsData: gone.map(key => {
        const { topic, partition } = this.#positions.find(each => each.key === key)!;
        return { topic, topicId: idOf(topic), partitions: [partition] };
      }),
    };
  }

  #session(leaderId: number): Session {
    let session = this.#sessions.get(leaderId);
    if (session === undefined) {
      session = { id: 0, epoch: 0, told: new Map() };
      this.#sessions.set(leaderId, session);
    }
    return session;
  }

  /** Reads what came of a partition; false when its leader may be another. */
  #take(position: Position, result: FetchResult, fetchOffset: number): boolean {
    const { key, order } = position;
    const { errorCode, highWatermark, logStartOffset, divergingEpoch } = result;
    if (order === null) return true;
    if (errorCode === Errors.OFFSET_OUT_OF_RANGE) {
      this.#outOfRange(position, fetchOffset);
      return false;
    }
    if (errorCode !== Errors.NONE) return this.#check(position, errorCode);
    if (divergingEpoch.epoch >= 0) {
      throw new InvariantError(
        `${key}: what was read up to ${fetchOffset} diverges: ${JSON.stringify(divergingEpoch)}`,
      );
    }
    if (logStartOffset >= 0) this.#checkStart(position, logStartOffset);
    position.endOffset = highWatermark;
    const { records } = result;
    if (records === null) return true;
    for (let at = 0; at + 12 <= records.length && at + batchSizeAt(records, at) <= records.length; ) {
      const epoch = partitionLeaderEpochAt(records, at);
      if (position.askedEpoch >= 0 && epoch > position.askedEpoch) {
        throw new InvariantError(
          `${key}: a request of leader epoch ${position.askedEpoch} was given records of ${epoch}`,
        );
      }
      for (const { offset, value } of decodeRecords(records, at)) {
        if (offset < fetchOffset) continue;
        if (offset >= highWatermark)
          throw new InvariantError(`${key}@${offset} was given out above the high watermark ${highWatermark}`);
        order.read(offset, textOf(value), epoch);
      }
      position.lastEpoch = epoch;
      at += batchSizeAt(records, at);
    }
    return true;
  }

  /** What was read before may have been deleted since; then it begins anew. */
  #outOfRange(position: Position, fetchOffset: number): void {
    const { maybeDeletedTo } = this.#history.partition(position.key);
    if (fetchOffset >= maybeDeletedTo) {
      throw new InvariantError(
        `${position.key}: ${fetchOffset} is out of range, and only up to ${maybeDeletedTo} was deleted`,
      );
    }
    this.#client.note(`${position.key}: ${fetchOffset} was deleted`);
    position.order = null;
  }

  #check({ key }: Position, errorCode: number): boolean {
    if (!RETRIABLE.has(errorCode)) throw new InvariantError(`reading ${key} gave ${errorName(errorCode)}`);
    this.#client.note(`${key}: ${errorName(errorCode)}`);
    return false;
  }
}

function isNews(session: Session, { key, order }: Position): boolean {
  return session.told.get(key) !== order!.nextOffset;
}
