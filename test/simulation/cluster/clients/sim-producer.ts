/**
 * An idempotent producer with acks=all and several batches in flight, by the rules of Java's: sequences are given out in order, a batch that failed
 * is sent again alone and first, and no batch goes out that is more than five ahead of the oldest without an answer, for which the broker remembers
 * duplicates. All that is in flight of a partition is on one connection.
 *
 * Its life may end at any time, as that of a process does: what had no answer stays unknown for good, and a new producer id is taken.
 */
import { Produce } from "../../../../protocol/apis/00-produce.ts";
import { InitProducerId } from "../../../../protocol/apis/22-init-producer-id.ts";
import { Errors, errorName } from "../../../../protocol/errors.ts";
import { BatchBuilder, CODEC } from "../../../../protocol/records/index.ts";
import { ZERO_UUID } from "../../../../protocol/schema.ts";
import { RpcError } from "../../../../src/rpc/index.ts";
import { InvariantError } from "../../world.ts";
import { type History, keyOf } from "../history.ts";
import type { SimClient } from "./sim-client.ts";

export interface SimProducerOptions {
  readonly topic: string;
  readonly partitions: readonly number[];
  /** Mean time between batches. */
  readonly everyMs: number;
  /** Newest version it speaks: from 13 on topics go by id. */
  readonly maxVersion: number;
  /** Otherwise acks=1, no sequences, and nothing is promised. */
  readonly isCareful: boolean;
  readonly maxRecords: number;
}

interface Batch {
  readonly index: number;
  readonly values: readonly string[];
  readonly bytes: Buffer;
  attempts: number;
  /** How many processes had been started when it was made. */
  readonly startCount: number;
  isFlying: boolean;
}

/** One partition's batches in one life. */
interface Lane {
  readonly partition: number;
  readonly life: number;
  queue: Batch[];
  nextIndex: number;
  nextSequence: number;
  nextNumber: number;
  flyingTo: number;
  isWaiting: boolean;
}

const WINDOW = 5;
const MAX_QUEUED = 8;
const DELIVERY_TIMEOUT_MS = 30_000;

/** Java tries these again. */
const RETRIABLE = new Set<number>([
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.LEADER_NOT_AVAILABLE,
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.UNKNOWN_TOPIC_ID,
  Errors.REQUEST_TIMED_OUT,
  Errors.NOT_ENOUGH_REPLICAS,
  Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  Errors.KAFKA_STORAGE_ERROR,
  Errors.FENCED_LEADER_EPOCH,
  Errors.UNKNOWN_LEADER_EPOCH,
]);

export class SimProducer {
  readonly #options: SimProducerOptions;
  readonly #client: SimClient;
  readonly #history: History;
  readonly #fail: (error: Error) => void;
  readonly #lanes = new Map<number, Lane>();
  #life = 0;
  #producerId = -1;
  #producerEpoch = -1;
  #isProducing = true;

  constructor(
    options: SimProducerOptions,
    modules: { client: SimClient; history: History; fail: (error: Error) => void },
  ) {
    this.#options = options;
    this.#client = modules.client;
    this.#history = modules.history;
    this.#fail = modules.fail;
  }

  start(): void {
    this.#begin();
    this.#produceLater();
  }

  /** No more records; what is under way is brought to its end. */
  finish(): void {
    this.#isProducing = false;
  }

  get isDone(): boolean {
    return !this.#isProducing && [...this.#lanes.values()].every(({ queue }) => queue.length === 0);
  }

  /** As when its process is killed and started again. */
  restart(): void {
    this.#client.note(`begins life ${this.#life + 1}`);
    this.#begin();
  }

  describe(): string {
    const lanes = [...this.#lanes.values()].filter(({ queue }) => queue.length > 0);
    return lanes.map(({ partition, queue }) => `${partition}: ${queue.length} from ${queue[0]?.values[0]}`).join(", ");
  }

  #begin(): void {
    this.#life += 1;
    this.#lanes.clear();
    this.#producerId = -1;
    if (this.#options.isCareful) void this.#initialise(this.#life);
  }

  async #initialise(life: number): Promise<void> {
    while (life === this.#life && this.#producerId < 0) {
      try {
        const response = await this.#client.toAny(InitProducerId, {
          transactionalId: null,
          transactionTimeoutMs: 60_000,
          producerId: -1,
          producerEpoch: -1,
          enable2Pc: false,
          keepPreparedTxn: false,
        });
        if (life !== this.#life) return;
        if (response.errorCode === Errors.NONE) {
          this.#producerId = response.producerId;
          this.#producerEpoch = response.producerEpoch;
          this.#client.note(`is producer ${response.producerId}`);
          return;
        }
      } catch (error) {
        if (!(error instanceof RpcError)) this.#fail(error as Error);
        this.#client.note(`no producer id: ${(error as Error).message}`);
      }
      await this.#client.sleep(50);
    }
  }

  #produceLater(): void {
    const { random, platform } = this.#client;
    platform.timers.after(random.float() * 2 * this.#options.everyMs, () => {
      if (!this.#isProducing) return;
      this.#produce();
      this.#produceLater();
    });
  }

  #produce(): void {
    const { random, platform, name } = this.#client;
    const { isCareful, topic } = this.#options;
    if (isCareful && this.#producerId < 0) return;
    const lane = this.#lane(random.pick(this.#options.partitions));
    if (lane.queue.length >= MAX_QUEUED) return;
    const key = keyOf(topic, lane.partition);
    const life = `${name}.${lane.life}`;
    const count = 1 + random.integer(this.#options.maxRecords);
    const codec = random.chance(0.1) ? random.pick([CODEC.gzip, CODEC.snappy, CODEC.lz4, CODEC.zstd]) : CODEC.none;
    const identity = { producerId: this.#producerId, producerEpoch: this.#producerEpoch };
    const builder = new BatchBuilder({
      codec,
      ...(isCareful ? { ...identity, baseSequence: lane.nextSequence } : {}),
    });
    const values: string[] = [];
    const filler = "x".repeat(random.pick([0, 0, 0, 50, 300]));
    for (let index = 0; index < count; index += 1) {
      const value = `${life}/${key}/${lane.nextNumber}`;
      this.#history.send(value, { key, life, number: lane.nextNumber, isCareful });
      values.push(value);
      builder.append({
        timestamp: platform.clock.now(),
        key: filler === "" ? null : Buffer.from(filler),
        value: Buffer.from(value, "latin1"),
      });
      lane.nextNumber += 1;
    }
    lane.nextSequence += count;
    const batch: Batch = {
      index: lane.nextIndex,
      values,
      bytes: builder.build(),
      attempts: 0,
      isFlying: false,
      startCount: this.#history.startCount,
    };
    lane.nextIndex += 1;
    lane.queue.push(batch);
    if (isCareful) {
      platform.timers.after(DELIVERY_TIMEOUT_MS, () => {
        if (lane.life === this.#life && lane.queue.includes(batch)) this.restart();
      });
    }
    this.#pump(lane);
  }

  #lane(partition: number): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      lane = {
        partition,
        life: this.#life,
        queue: [],
        nextIndex: 0,
        nextSequence: 0,
        nextNumber: 0,
        flyingTo: -1,
        isWaiting: false,
      };
      this.#lanes.set(partition, lane);
    }
    return lane;
  }

  /** Sends what may be sent. */
  #pump(lane: Lane): void {
    if (lane.life !== this.#life || lane.queue.length === 0 || lane.isWaiting) return;
    const leaderId = this.#client.partition(this.#options.topic, lane.partition)?.leaderId ?? -1;
    if (leaderId < 0) {
      this.#retryLater(lane);
      return;
    }
    const isAnyFlying = lane.queue.some(({ isFlying }) => isFlying);
    if (isAnyFlying && lane.flyingTo !== leaderId) return;
    lane.flyingTo = leaderId;
    const oldest = lane.queue[0]!;
    for (const batch of lane.queue) {
      if (batch.isFlying) continue;
      if (batch.index >= oldest.index + WINDOW || (batch.attempts > 0 && batch !== oldest)) break;
      void this.#send(lane, batch, leaderId);
    }
  }

  async #send(lane: Lane, batch: Batch, leaderId: number): Promise<void> {
    batch.isFlying = true;
    batch.attempts += 1;
    const { topic, isCareful, maxVersion } = this.#options;
    const view = this.#client.topics.get(topic);
    const body = {
      acks: isCareful ? -1 : 1,
      timeoutMs: 1_500,
      topicData: [
        {
          name: topic,
          topicId: view?.id ?? ZERO_UUID,
          partitionData: [{ index: lane.partition, records: batch.bytes }],
        },
      ],
    };
    let errorCode = -1;
    let baseOffset = -1;
    try {
      const response = await this.#client.toNode(leaderId, Produce, body, { versions: { max: maxVersion } });
      const outcome = response.responses[0]!.partitionResponses[0]!;
      ({ errorCode, baseOffset } = outcome);
    } catch (error) {
      if (!(error instanceof RpcError)) this.#fail(error as Error);
      this.#client.note(`${batch.values[0]} has no answer: ${(error as Error).message}`);
    }
    batch.isFlying = false;
    try {
      this.#answered(lane, batch, errorCode, baseOffset);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #answered(lane: Lane, batch: Batch, errorCode: number, baseOffset: number): void {
    const { topic, isCareful } = this.#options;
    const isAcked = errorCode === Errors.NONE || errorCode === Errors.DUPLICATE_SEQUENCE_NUMBER;
    if (isAcked && isCareful) {
      this.#client.note(`${batch.values[0]} +${batch.values.length} acknowledged at ${baseOffset}`);
      this.#history.acked(keyOf(topic, lane.partition), errorCode === Errors.NONE ? baseOffset : -1, batch.values);
    }
    if (lane.life !== this.#life) return;
    // Nothing is promised to the careless, so nothing is tried twice.
    if (isAcked || !isCareful) lane.queue = lane.queue.filter(other => other !== batch);
    if (isAcked) {
      this.#pump(lane);
      return;
    }
    if (errorCode >= 0) this.#client.note(`${batch.values[0]} refused: ${errorName(errorCode)}`);
    const isBehind = errorCode === Errors.OUT_OF_ORDER_SEQUENCE_NUMBER && batch !== lane.queue[0];
    if (errorCode === Errors.OUT_OF_ORDER_SEQUENCE_NUMBER && !isBehind && batch.startCount < this.#history.startCount) {
      // Of batches before a producer snapshot brokers remember one for each producer, as Kafka's: what was sent before may be unknown to them.
      this.#history.forgottenCount += 1;
      this.restart();
      return;
    }
    if (errorCode >= 0 && !RETRIABLE.has(errorCode) && !isBehind) {
      throw new InvariantError(`${batch.values[0]} was refused with ${errorName(errorCode)}`);
    }
    this.#retryLater(lane);
  }

  #retryLater(lane: Lane): void {
    if (lane.isWaiting) return;
    lane.isWaiting = true;
    void this.#client.refresh();
    this.#client.platform.timers.after(20 + this.#client.random.float() * 60, () => {
      lane.isWaiting = false;
      this.#pump(lane);
    });
  }
}
