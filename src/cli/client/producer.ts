/**
 * Produces records: batches per partition, one request in flight per partition (so that a retry cannot reorder), leaders looked up and looked
 * up again when they move.
 *
 * @example
 * const producer = await Producer.open(cluster, "orders", { acks: -1 });
 * await producer.send({ key: Buffer.from("k"), value: Buffer.from("v") });
 * await producer.flush(); // all acknowledged, or throws
 */
import { Produce } from "../../../protocol/apis/00-produce.ts";
import { Metadata } from "../../../protocol/apis/03-metadata.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { BatchBuilder, CODEC, type CodecName, type RecordInput } from "../../../protocol/records/index.ts";
import { ZERO_UUID } from "../../../protocol/schema.ts";
import type { ClusterClient, TopicMetadata } from "../../client/cluster-client.ts";
import { apiFailure } from "../../client/failure.ts";
import { retry } from "../../client/retry.ts";
import { createPartitioner, type Partitioner, type PartitionerName } from "./partitioner.ts";

export type Acks = -1 | 0 | 1;

export interface ProducerOptions {
  readonly acks?: Acks;
  readonly codec?: CodecName;
  /** On the codec's own scale. */
  readonly level?: number;
  readonly partitioner?: PartitionerName;
  /** A batch is sent once it has this size before compression. */
  readonly batchSizeBytes?: number;
  /** Or once its first record has waited this long. */
  readonly lingerMs?: number;
  /** How long a batch is tried for. */
  readonly deliveryTimeoutMs?: number;
  /** Whether a topic that is not there may be created by asking for it. */
  readonly createTopic?: boolean;
}

export interface ProducedRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: readonly { key: string; value: Buffer | null }[];
  /** Now, when left out. */
  readonly timestampMs?: number;
  /** Chosen by the partitioner when left out. */
  readonly partition?: number;
}

export interface DeliveryReport {
  readonly partition: number;
  /** -1 with acks=0. */
  readonly baseOffset: number;
  readonly recordCount: number;
  /** Before compression. */
  readonly sizeBytes: number;
}

const DEFAULT_BATCH_SIZE_BYTES = 256 * 1024;
/** Largest size of batches waiting in memory before `send` waits. */
const BUFFER_LIMIT_BYTES = 32 * 1024 * 1024;

export class Producer {
  readonly #cluster: ClusterClient;
  readonly #options: Required<Omit<ProducerOptions, "level">> & { level: number | undefined };
  readonly #partitioner: Partitioner;
  readonly #lanes = new Map<number, Lane>();
  #topic: TopicMetadata;
  #bufferedBytes = 0;
  #failure: unknown;
  #waiters: (() => void)[] = [];
  /** Called for each acknowledged batch. */
  onDelivered: (report: DeliveryReport) => void = () => {};

  private constructor(cluster: ClusterClient, topic: TopicMetadata, options: ProducerOptions) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#options = {
      acks: options.acks ?? -1,
      codec: options.codec ?? "none",
      level: options.level,
      partitioner: options.partitioner ?? "key-hash",
      batchSizeBytes: options.batchSizeBytes ?? DEFAULT_BATCH_SIZE_BYTES,
      lingerMs: options.lingerMs ?? 5,
      deliveryTimeoutMs: options.deliveryTimeoutMs ?? cluster.timeoutMs,
      createTopic: options.createTopic ?? false,
    };
    this.#partitioner = createPartitioner(this.#options.partitioner, cluster.platform.random);
  }

  /** Looks the topic up first. Throws when it is not there. */
  static async open(cluster: ClusterClient, topic: string, options: ProducerOptions = {}): Promise<Producer> {
    return new Producer(cluster, await cluster.topic(topic, { create: options.createTopic ?? false }), options);
  }

  get partitionCount(): number {
    return this.#topic.partitions.length;
  }

  /** Takes a record; resolves once there is room for the next. Throws what made an earlier batch fail. */
  async send(record: ProducedRecord): Promise<void> {
    this.#throwFailure();
    const partition = record.partition ?? this.#partitioner.choose(record.key, this.partitionCount);
    const lane = this.#lane(partition);
    const input: RecordInput = {
      key: record.key,
      value: record.value,
      timestamp: record.timestampMs ?? this.#cluster.platform.clock.now(),
      ...(record.headers ? { headers: record.headers } : {}),
    };
    const before = lane.builder?.sizeBytes ?? 0;
    if (lane.builder === null) {
      lane.builder = this.#newBatch();
      lane.timer = this.#cluster.platform.timers.after(this.#options.lingerMs, () => this.#seal(lane));
    }
    lane.builder.append(input);
    this.#bufferedBytes += lane.builder.sizeBytes - before;
    if (lane.builder.sizeBytes >= this.#options.batchSizeBytes) this.#seal(lane);
    while (this.#bufferedBytes > BUFFER_LIMIT_BYTES && this.#failure === undefined) await this.#progress();
  }

  /** Sends what waits and resolves once all of it is acknowledged. Throws what made a batch fail. */
  async flush(): Promise<void> {
    for (const lane of this.#lanes.values()) this.#seal(lane);
    while (this.#failure === undefined && [...this.#lanes.values()].some(lane => lane.isBusy)) await this.#progress();
    this.#throwFailure();
    if (this.#options.acks === 0) await this.#awaitTaken();
  }

  /** With acks=0 nothing says that the broker has read the records; the answer to a later request on the same connection does. */
  async #awaitTaken(): Promise<void> {
    const leaders = new Set(this.#topic.partitions.map(({ leaderId }) => leaderId).filter(leader => leader >= 0));
    const body = {
      topics: [],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    };
    await Promise.all([...leaders].map(node => this.#cluster.request(Metadata, body, { node, versions: { min: 1 } })));
  }

  #lane(partition: number): Lane {
    let lane = this.#lanes.get(partition);
    if (!lane) {
      if (!this.#topic.partitions.some(({ partitionIndex }) => partitionIndex === partition)) {
        throw apiFailure(
          `Cannot produce to partition ${partition} of ${this.#topic.name}`,
          Errors.UNKNOWN_TOPIC_OR_PARTITION,
          `the topic has partitions 0 to ${this.partitionCount - 1}`,
        );
      }
      lane = new Lane(partition);
      this.#lanes.set(partition, lane);
    }
    return lane;
  }

  #newBatch(): BatchBuilder {
    const { codec, level } = this.#options;
    return new BatchBuilder({ codec: CODEC[codec], ...(level === undefined ? {} : { level }) });
  }

  #seal(lane: Lane): void {
    lane.timer?.clear();
    lane.timer = null;
    if (lane.builder === null) return;
    lane.ready.push({
      bytes: lane.builder.build(),
      recordCount: lane.builder.recordCount,
      sizeBytes: lane.builder.sizeBytes,
    });
    lane.builder = null;
    this.#partitioner.batchClosed(lane.partition);
    if (!lane.isSending) void this.#drain(lane);
  }

  /** Sends the lane's batches one after the other. */
  async #drain(lane: Lane): Promise<void> {
    lane.isSending = true;
    try {
      for (let batch = lane.ready[0]; batch && this.#failure === undefined; batch = lane.ready[0]) {
        const baseOffset = await this.#deliver(lane.partition, batch.bytes);
        lane.ready.shift();
        this.#bufferedBytes -= batch.sizeBytes;
        const { recordCount, sizeBytes } = batch;
        this.onDelivered({ partition: lane.partition, baseOffset, recordCount, sizeBytes });
        this.#wake();
      }
    } catch (error) {
      this.#failure ??= error;
    } finally {
      lane.isSending = false;
      this.#wake();
    }
  }

  /** Tries until the delivery timeout; the base offset the batch got. */
  async #deliver(partition: number, records: Buffer): Promise<number> {
    const { deliveryTimeoutMs, acks } = this.#options;
    const name = this.#topic.name!;
    return retry(deliveryTimeoutMs, this.#cluster.platform, async remainingMs => {
      const leader = this.#topic.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.leaderId ?? -1;
      const body = {
        acks,
        timeoutMs: Math.ceil(remainingMs),
        topicData: [{ name, topicId: ZERO_UUID, partitionData: [{ index: partition, records }] }],
      };
      try {
        if (leader < 0) throw new ApiError(Errors.LEADER_NOT_AVAILABLE);
        // Up to version 12 topics go by name, which every broker takes.
        if (acks === 0) {
          await this.#cluster.sendOneWay(Produce, body, leader, { max: 12 });
          return -1;
        }
        const response = await this.#cluster.request(Produce, body, {
          node: leader,
          versions: { max: 12 },
          timeoutMs: remainingMs,
        });
        const outcome = response.responses[0]!.partitionResponses[0]!;
        if (outcome.errorCode !== Errors.NONE) throw new ApiError(outcome.errorCode, outcome.errorMessage ?? undefined);
        return outcome.baseOffset;
      } catch (error) {
        await this.#refresh();
        throw error;
      }
    });
  }

  /** Looks for new leaders; that this fails too is no news. */
  async #refresh(): Promise<void> {
    try {
      const topic = (await this.#cluster.metadata([this.#topic.name!])).topics[0];
      if (topic && topic.errorCode === Errors.NONE) this.#topic = topic;
    } catch {
      // The next attempt at the batch says what is wrong.
    }
  }

  #throwFailure(): void {
    if (this.#failure === undefined) return;
    if (this.#failure instanceof ApiError)
      throw apiFailure(`Cannot produce to ${this.#topic.name}`, this.#failure.code, this.#failure.message);
    throw this.#failure;
  }

  #progress(): Promise<void> {
    return new Promise(resolve => this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}

/** The way of one partition's records to its leader. */
class Lane {
  readonly partition: number;
  builder: BatchBuilder | null = null;
  timer: { clear(): void } | null = null;
  readonly ready: { bytes: Buffer; recordCount: number; sizeBytes: number }[] = [];
  isSending = false;

  constructor(partition: number) {
    this.partition = partition;
  }

  get isBusy(): boolean {
    return this.isSending || this.ready.length > 0 || this.builder !== null;
  }
}
