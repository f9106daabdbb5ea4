/** A well-behaved client that produces and reads back all the while: what others send must not be felt by it. */
import kafkajs, { type Producer } from "kafkajs";
import { kafkajsClient, readTopicWithKafkajs } from "../support/kafkajs.ts";

const PERIOD_MS = 20;

export class HonestClient {
  readonly topic = "honest";
  readonly latenciesMs: number[] = [];
  readonly #address: string;
  readonly #producer: Producer;
  #count = 0;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(address: string) {
    this.#address = address;
    this.#producer = kafkajsClient(address, { retry: { retries: 0 } }).producer();
  }

  async start(): Promise<void> {
    await this.#producer.connect();
    await this.#sendOne();
    this.latenciesMs.length = 0;
    this.#running = this.#run();
  }

  /** Stops, and throws unless every record that was acknowledged can be read, once and in order. */
  async stopAndVerify(): Promise<number> {
    this.#isStopped = true;
    await this.#running;
    await this.#producer.disconnect();
    const records = await readTopicWithKafkajs(this.#address, this.topic);
    if (records.length !== this.#count) throw new Error(`${this.#count} acknowledged, ${records.length} read`);
    for (const [index, record] of records.entries()) {
      if (record.value !== String(index)) throw new Error(`offset ${index} holds ${record.value}`);
    }
    return records.length;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const started = performance.now();
      await this.#sendOne();
      this.latenciesMs.push(performance.now() - started);
      await new Promise(resolve => setTimeout(resolve, PERIOD_MS));
    }
  }

  async #sendOne(): Promise<void> {
    await this.#producer.send({
      topic: this.topic,
      acks: -1,
      compression: kafkajs.CompressionTypes.None,
      messages: [{ value: String(this.#count) }],
    });
    this.#count++;
  }
}
