/** Fetches a topic from its beginning, once or over and over, as fast as the broker answers. */
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { Errors, errorName } from "../../protocol/errors.ts";
import { decodeResponse, encodeRequest } from "../../protocol/frame.ts";
import { baseOffsetAt, batchSizeAt, lastOffsetDeltaAt, recordCountAt } from "../../protocol/records/batch.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { Latencies } from "./latencies.ts";
import { type ConsumeLoad, type LoadResult, partitionsByLeader } from "./loads.ts";
import { delay, Stopwatch } from "./stopwatch.ts";
import { WireConnection } from "./wire-connection.ts";

const FETCH_VERSION = 11;
const FETCH_MAX_BYTES = 50 * 1024 * 1024;

export async function runConsume(load: ConsumeLoad, onMeasuring: () => void): Promise<LoadResult> {
  const latencies = new Latencies();
  let isMeasuring = false;
  let requests = 0;
  let records = 0;
  let running = 0;
  const allDone = Promise.withResolvers<void>();
  const events: ConsumerEvents = {
    onAnswer: (count, latencyMs) => {
      if (!isMeasuring) return;
      requests++;
      records += count;
      latencies.add(latencyMs);
    },
    onDone: () => {
      running -= 1;
      if (running === 0) allDone.resolve();
    },
  };
  const consumers: Consumer[] = [];
  for (let index = 0; index < load.connections; index++) {
    for (const part of partitionsByLeader(load)) consumers.push(new Consumer(load, part, events));
  }
  running = consumers.length;
  for (const consumer of consumers) await consumer.open();
  if (!load.isOnce) {
    for (const consumer of consumers) consumer.start();
    await delay(load.warmupMs);
  }
  isMeasuring = true;
  onMeasuring();
  const stopwatch = new Stopwatch();
  if (load.isOnce) for (const consumer of consumers) consumer.start();
  await (load.isOnce ? allDone.promise : delay(load.durationMs));
  isMeasuring = false;
  const spent = stopwatch.read();
  for (const consumer of consumers) consumer.stop();
  return { ...spent, requests, records, valueBytes: records * load.recordSizeBytes, latency: latencies.summary() };
}

interface ConsumerEvents {
  onAnswer(recordCount: number, latencyMs: number): void;
  onDone(): void;
}

/** Reads the partitions of a topic that one broker leads, over a connection of its own, a fetch at a time. */
class Consumer {
  readonly #load: ConsumeLoad;
  readonly #events: ConsumerEvents;
  readonly #address: string;
  /** By partition; those that are read no more are left out. */
  readonly #nextOffsets: Map<number, number>;
  #connection: WireConnection | null = null;
  #sentMs = 0;
  #isStopped = false;

  constructor(load: ConsumeLoad, [address, partitions]: [string, readonly number[]], events: ConsumerEvents) {
    this.#load = load;
    this.#events = events;
    this.#address = address;
    this.#nextOffsets = new Map(partitions.map(partition => [partition, 0]));
  }

  async open(): Promise<void> {
    this.#connection = await WireConnection.open(this.#address, answer => this.#answer(answer));
  }

  start(): void {
    this.#send();
  }

  stop(): void {
    this.#isStopped = true;
    this.#connection?.close();
  }

  #send(): void {
    const { topic, partitionMaxBytes } = this.#load;
    this.#sentMs = performance.now();
    const partitions = Array.from(this.#nextOffsets, ([partition, fetchOffset]) => {
      return { partition, fetchOffset, partitionMaxBytes };
    });
    const body = {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: FETCH_MAX_BYTES,
      topics: [{ topic, topicId: ZERO_UUID, partitions }],
      forgottenTopicsData: [],
    };
    this.#connection!.send(Buffer.concat(encodeRequest(Fetch, FETCH_VERSION, 1, "bench", body)));
  }

  #answer(answer: Buffer): void {
    if (this.#isStopped) return;
    const latencyMs = performance.now() - this.#sentMs;
    const { body } = decodeResponse(Fetch, FETCH_VERSION, answer);
    let recordCount = 0;
    for (const { partitionIndex, errorCode, highWatermark, logStartOffset, records } of body.responses[0]?.partitions ??
      []) {
      // What retention took is left out.
      if (errorCode === Errors.OFFSET_OUT_OF_RANGE) this.#nextOffsets.set(partitionIndex, Math.max(0, logStartOffset));
      else if (errorCode !== 0) throw new Error(`fetch was answered with ${errorName(errorCode)}`);
      else recordCount += this.#take(partitionIndex, records, highWatermark);
    }
    this.#events.onAnswer(recordCount, latencyMs);
    if (this.#nextOffsets.size === 0) this.#events.onDone();
    else this.#send();
  }

  /** Notes how far a partition is read; returns how many records there were. */
  #take(partition: number, batches: Buffer | null, highWatermark: number): number {
    let count = 0;
    let end = this.#nextOffsets.get(partition) ?? 0;
    // Kafka may cut the last batch short.
    for (let at = 0; batches !== null && batches.length - at >= 61; at += batchSizeAt(batches, at)) {
      if (batches.length - at < batchSizeAt(batches, at)) break;
      count += recordCountAt(batches, at);
      end = baseOffsetAt(batches, at) + lastOffsetDeltaAt(batches, at) + 1;
    }
    const isAtEnd = end >= highWatermark;
    if (isAtEnd && this.#load.isOnce) this.#nextOffsets.delete(partition);
    // It starts again at the end of the partition, so that the load lasts.
    else this.#nextOffsets.set(partition, isAtEnd && !this.#load.isTail ? 0 : end);
    return count;
  }
}
