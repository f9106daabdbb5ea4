/** A producer that finds its partition's leader again, and measures how long it had none. */
import { Produce } from "../../protocol/apis/00-produce.ts";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { ask, leadersNow } from "../admin.ts";
import { delay } from "./stopwatch.ts";

const PERIOD_MS = 5;
/** Of one request: what is not answered by then is asked again elsewhere. */
const REQUEST_MS = 1000;

/** The address of each partition's leader. Waits until there is one for all. */
export async function leadersOf(address: string, topic: string, partitions: number): Promise<string[]> {
  for (;;) {
    const leaders = await leadersNow(address, topic);
    if (Object.keys(leaders).length === partitions) return leaders;
    await delay(PERIOD_MS);
  }
}

export class FailoverClient {
  readonly #addresses: readonly string[];
  readonly #topic: string;
  readonly #records: Buffer;
  #turn = 0;
  #lastAnswerMs = -1;
  leader = "";
  longestGapMs = 0;

  constructor(addresses: readonly string[], topic: string) {
    this.#addresses = addresses;
    this.#topic = topic;
    const value = Buffer.from("x");
    this.#records = new BatchBuilder({}).append({ timestamp: Date.now(), key: null, value, headers: [] }).build();
  }

  /** Writes a record every {@link PERIOD_MS} for so long. */
  async run(durationMs: number): Promise<void> {
    const end = performance.now() + durationMs;
    while (performance.now() < end) {
      const started = performance.now();
      if (await this.#write()) {
        const now = performance.now();
        if (this.#lastAnswerMs >= 0) this.longestGapMs = Math.max(this.longestGapMs, now - this.#lastAnswerMs);
        this.#lastAnswerMs = now;
        await delay(Math.max(0, PERIOD_MS - (now - started)));
      } else {
        // The next one of those that may know.
        this.leader = "";
        await delay(1);
      }
    }
    if (this.#lastAnswerMs >= 0)
      this.longestGapMs = Math.max(this.longestGapMs, performance.now() - this.#lastAnswerMs);
  }

  /** Writes until a leader, the first or the next, has taken a record, and then for `steadyMs` more. Throws when there is none in time. */
  async runUntilAnother(limitMs: number, steadyMs: number): Promise<void> {
    const lastBefore = this.#lastAnswerMs;
    const deadline = performance.now() + limitMs;
    while (this.#lastAnswerMs === lastBefore) {
      if (performance.now() > deadline) throw new Error(`no leader took a record within ${limitMs} ms`);
      await this.run(PERIOD_MS);
    }
    await this.run(steadyMs);
  }

  async #write(): Promise<boolean> {
    try {
      if (this.leader === "") {
        const someone = this.#addresses[this.#turn++ % this.#addresses.length]!;
        this.leader = (await within(REQUEST_MS, leadersOf(someone, this.#topic, 1)))[0]!;
      }
      const partitionData = [{ index: 0, records: this.#records }];
      const topicData = [{ name: this.#topic, topicId: ZERO_UUID, partitionData }];
      const body = { transactionalId: null, acks: -1, timeoutMs: REQUEST_MS, topicData };
      const answer = await within(REQUEST_MS, ask(this.leader, Produce, 7, body));
      return answer.responses[0]?.partitionResponses[0]?.errorCode === 0;
    } catch {
      return false;
    }
  }
}

function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer")), limitMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
