/** Produces prepared batches as fast as the broker acknowledges them, or at a given rate, and measures. */
import { InitProducerId } from "../../protocol/apis/22-init-producer-id.ts";
import { Errors } from "../../protocol/errors.ts";
import { ask } from "../admin.ts";
import { Latencies } from "./latencies.ts";
import { type LoadResult, type ProduceLoad, partitionsByLeader } from "./loads.ts";
import { Pacer } from "./pacer.ts";
import { ProduceAnswers, ProduceFrame } from "./produce-frames.ts";
import type { Sample } from "./run-load.ts";
import { Sampler } from "./sampler.ts";
import { delay, Stopwatch } from "./stopwatch.ts";
import { WireConnection } from "./wire-connection.ts";

export async function runProduce(
  load: ProduceLoad,
  onMeasuring: () => void,
  onSample: (sample: Sample) => void,
): Promise<LoadResult> {
  const latencies = new Latencies();
  const sampler = load.samplePeriodMs === undefined ? null : new Sampler(load.samplePeriodMs, onSample);
  const pacer = new Pacer(load.requestsPerSecond);
  let isMeasuring = false;
  let requests = 0;
  let isOver = false;

  const clients: Client[] = [];
  const onAnswered = (latencyMs: number): void => {
    if (!isMeasuring) return;
    requests++;
    latencies.add(latencyMs);
    sampler?.add(latencyMs);
  };
  for (let index = 0; index < load.connections; index++) {
    for (const [address, partitions] of partitionsByLeader(load)) {
      const client = new Client(load, { address, partitions, index }, onAnswered);
      await client.open();
      clients.push(client);
    }
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
    await pacer.start(dueMs => clients[pacer.sent % clients.length]!.send(dueMs));
  }

  await delay(load.warmupMs);
  isMeasuring = true;
  onMeasuring();
  const stopwatch = new Stopwatch();
  sampler?.start();
  await delay(load.durationMs);
  isMeasuring = false;
  sampler?.stop();
  const spent = stopwatch.read();
  isOver = true;
  pacer.stop();
  for (const client of clients) client.close();
  const records = requests * load.recordsPerBatch;
  return { ...spent, requests, records, valueBytes: records * load.recordSizeBytes, latency: latencies.summary() };
}

/** One connection and the requests under way on it. */
class Client {
  onFree: () => void = () => {};
  readonly #load: ProduceLoad;
  readonly #address: string;
  readonly #frames: readonly ProduceFrame[];
  readonly #answers = new ProduceAnswers();
  readonly #onAnswered: (latencyMs: number) => void;
  /** When the requests under way were due, oldest first: a ring. */
  readonly #sentAt = new Float64Array(1 << 16);
  #sent = 0;
  #answered = 0;
  #turn: number;
  #producerId = -1n;
  #connection: WireConnection | null = null;

  constructor(
    load: ProduceLoad,
    part: { address: string; partitions: readonly number[]; index: number },
    onAnswered: (latencyMs: number) => void,
  ) {
    this.#load = load;
    this.#address = part.address;
    this.#frames = load.topics.flatMap(topic => part.partitions.map(each => new ProduceFrame(load, topic, each)));
    this.#turn = part.index % this.#frames.length;
    this.#onAnswered = onAnswered;
  }

  async open(): Promise<void> {
    if (this.#load.isIdempotent) this.#producerId = await newProducerId(this.#load.address);
    this.#connection = await WireConnection.open(this.#address, answer => this.#answer(answer));
  }

  /** Sends the next request; its latency counts from `dueMs`, so that a stalled generator does not hide the broker's delay. */
  send(dueMs: number): void {
    if (this.#sent - this.#answered >= this.#sentAt.length)
      throw new Error("the broker is too far behind the rate asked for");
    this.#sentAt[this.#sent++ & 0xffff] = dueMs;
    const frame = this.#frames[this.#turn]!;
    this.#connection!.send(this.#load.isIdempotent ? frame.next(this.#producerId) : frame.bytes);
    this.#turn = (this.#turn + 1) % this.#frames.length;
  }

  close(): void {
    this.#connection?.close();
  }

  #answer(answer: Buffer): void {
    this.#answers.check(answer);
    this.#onAnswered(performance.now() - this.#sentAt[this.#answered++ & 0xffff]!);
    this.onFree();
  }
}

async function newProducerId(address: string): Promise<bigint> {
  const body = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 };
  for (;;) {
    const { errorCode, producerId } = await ask(address, InitProducerId, 3, body);
    if (errorCode === 0) return BigInt(producerId);
    // Kafka fetches its first block of ids when it is first asked.
    if (errorCode !== Errors.COORDINATOR_LOAD_IN_PROGRESS) throw new Error(`no producer id: error ${errorCode}`);
    await delay(50);
  }
}
