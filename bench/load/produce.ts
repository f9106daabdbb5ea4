/** Produces prepared batches as fast as the broker acknowledges them, or at a given rate, and measures. */
import { Produce } from "../../protocol/apis/00-produce.ts";
import { decodeResponse, encodeRequest } from "../../protocol/frame.ts";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { Latencies, type LatencySummary } from "./latencies.ts";
import { WireConnection } from "./wire-connection.ts";

/** Old enough for every broker, not flexible, and with one form of record batch. */
const PRODUCE_VERSION = 7;

export interface ProduceLoad {
  readonly kind: "produce";
  readonly address: string;
  readonly topic: string;
  readonly partitions: number;
  readonly recordSizeBytes: number;
  readonly recordsPerBatch: number;
  /** Requests under way at once on a connection; each carries one batch for one partition, in turn. */
  readonly pipeline: number;
  readonly connections: number;
  /** -1 waits for durability, 1 for the leader. */
  readonly acks: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Requests a second over all connections; 0 sends as fast as answers come. */
  readonly requestsPerSecond: number;
}

export interface LoadResult {
  readonly seconds: number;
  readonly requests: number;
  readonly records: number;
  /** Bytes of record values. */
  readonly valueBytes: number;
  readonly latency: LatencySummary;
}

export async function runProduce(load: ProduceLoad, onMeasuring: () => void): Promise<LoadResult> {
  const frames = Array.from({ length: load.partitions }, (_, partition) => produceFrame(load, partition));
  const latencies = new Latencies();
  const pacer = new Pacer(load);
  let isMeasuring = false;
  let requests = 0;
  let isOver = false;

  const clients: Client[] = [];
  for (let index = 0; index < load.connections; index++) {
    const client = new Client(frames, index, answeredMs => {
      if (!isMeasuring) return;
      requests++;
      latencies.add(answeredMs);
    });
    await client.open(load.address);
    clients.push(client);
  }

  const next = (client: Client): void => {
    if (!isOver) client.send(performance.now());
  };
  if (load.requestsPerSecond === 0) {
    for (const client of clients) {
      client.onFree = () => next(client);
      for (let depth = 0; depth < load.pipeline; depth++) next(client);
    }
  } else {
    pacer.start(dueMs => clients[pacer.sent % clients.length]!.send(dueMs));
  }

  await delay(load.warmupMs);
  isMeasuring = true;
  onMeasuring();
  const started = performance.now();
  await delay(load.durationMs);
  isMeasuring = false;
  const seconds = (performance.now() - started) / 1000;
  isOver = true;
  pacer.stop();
  for (const client of clients) client.close();
  const records = requests * load.recordsPerBatch;
  return { seconds, requests, records, valueBytes: records * load.recordSizeBytes, latency: latencies.summary() };
}

/** One connection and the requests under way on it. */
class Client {
  onFree: () => void = () => {};
  readonly #frames: readonly Buffer[];
  readonly #onAnswered: (latencyMs: number) => void;
  /** When the requests under way were due, oldest first: a ring. */
  readonly #sentAt = new Float64Array(1 << 16);
  #sent = 0;
  #answered = 0;
  #partition: number;
  #connection: WireConnection | null = null;

  constructor(frames: readonly Buffer[], index: number, onAnswered: (latencyMs: number) => void) {
    this.#frames = frames;
    this.#partition = index % frames.length;
    this.#onAnswered = onAnswered;
  }

  async open(address: string): Promise<void> {
    this.#connection = await WireConnection.open(address, answer => this.#answer(answer));
  }

  /** Sends the next request; its latency counts from `dueMs`, so that a stalled generator does not hide the broker's delay. */
  send(dueMs: number): void {
    if (this.#sent - this.#answered >= this.#sentAt.length)
      throw new Error("the broker is too far behind the rate asked for");
    this.#sentAt[this.#sent++ & 0xffff] = dueMs;
    this.#connection!.send(this.#frames[this.#partition]!);
    this.#partition = (this.#partition + 1) % this.#frames.length;
  }

  close(): void {
    this.#connection?.close();
  }

  #answer(answer: Buffer): void {
    checkAnswer(answer);
    this.#onAnswered(performance.now() - this.#sentAt[this.#answered++ & 0xffff]!);
    this.onFree();
  }
}

/** Sends at even distances, counted from the start: what could not be sent in time is sent late and its latency counts from when it was due. */
class Pacer {
  sent = 0;
  readonly #periodMs: number;
  #startedMs = 0;
  #isStopped = false;

  constructor(load: ProduceLoad) {
    this.#periodMs = 1000 / load.requestsPerSecond;
  }

  start(send: (dueMs: number) => void): void {
    this.#startedMs = performance.now();
    const tick = (): void => {
      if (this.#isStopped) return;
      for (;;) {
        const dueMs = this.#startedMs + this.sent * this.#periodMs;
        const waitMs = dueMs - performance.now();
        if (waitMs > 0) {
          // A timer is coarser than a millisecond; the last stretch is waited out turn by turn.
          if (waitMs > 1.5) setTimeout(tick, 1);
          else setImmediate(tick);
          return;
        }
        send(dueMs);
        this.sent++;
      }
    };
    tick();
  }

  stop(): void {
    this.#isStopped = true;
  }
}

function produceFrame(load: ProduceLoad, partition: number): Buffer {
  const builder = new BatchBuilder({});
  for (let index = 0; index < load.recordsPerBatch; index++) {
    builder.append({ timestamp: Date.now(), key: null, value: randomText(load.recordSizeBytes), headers: [] });
  }
  const partitionData = [{ index: partition, records: builder.build() }];
  const body = {
    transactionalId: null,
    acks: load.acks,
    timeoutMs: 30_000,
    topicData: [{ name: load.topic, topicId: ZERO_UUID, partitionData }],
  };
  return Buffer.concat(encodeRequest(Produce, PRODUCE_VERSION, 1, "bench", body));
}

/** Printable noise, as incompressible as JSON never is; codecs are not what is measured here. */
function randomText(sizeBytes: number): Buffer {
  const text = Buffer.allocUnsafe(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) text[at] = 33 + Math.floor(Math.random() * 94);
  return text;
}

let errorCodeAt = -1;

/** All answers have one layout, so the first says where the error code is. */
function checkAnswer(answer: Buffer): void {
  if (errorCodeAt < 0) {
    const { body } = decodeResponse(Produce, PRODUCE_VERSION, answer);
    // correlation id, topic count, topic name, partition count, partition index
    errorCodeAt = 4 + 4 + 2 + Buffer.byteLength(body.responses[0]!.name) + 4 + 4;
  }
  const errorCode = answer.readInt16BE(errorCodeAt);
  if (errorCode !== 0) throw new Error(`produce failed with error ${errorCode}`);
}

export function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
