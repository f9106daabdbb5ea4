/**
 * A Fetch request that found less than it asked for, parked until enough has come to its partitions or its time is up.
 *
 * It is woken by just those partitions, which tell how many bytes have become readable. What it then answers is read anew, so a wake-up that
 * comes early costs a read and nothing else.
 */
import type { Partition } from "./partition.ts";
import { TimerTask } from "./timer-wheel.ts";

/** Up to where a fetch may read, and so which event wakes it. */
export type FetchIsolation =
  /** Followers: everything appended. */
  | "log-end"
  /** Consumers. */
  | "high-watermark"
  /** Consumers with read_committed (KIP-98). */
  | "last-stable-offset";

export class DelayedFetch extends TimerTask {
  readonly isolation: FetchIsolation;
  readonly #partitions: Partition[] = [];
  readonly #complete: () => void;
  #missingBytes: number;
  #isDone = false;
  #isInterrupted = false;

  /** `complete` is called once: when `missingBytes` have come, when something changed that the client must hear of, or on expiry. */
  constructor(options: { missingBytes: number; isolation: FetchIsolation }, complete: () => void) {
    super();
    this.isolation = options.isolation;
    this.#missingBytes = options.missingBytes;
    this.#complete = complete;
  }

  watch(partition: Partition): void {
    this.#partitions.push(partition);
    partition.addFetch(this);
  }

  /** `sizeBytes` more can be read from a partition it waits for. */
  readable(sizeBytes: number): void {
    this.#missingBytes -= sizeBytes;
    if (this.#missingBytes <= 0) this.finish();
  }

  /** Whether the client sent its next request instead of waiting for this one. */
  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** The client has something else to say: this one is to be answered with what there is. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.finish();
  }

  /** The time is up. */
  override expire(): void {
    this.finish();
  }

  /** Wakes it, whatever has come: leadership or the log has changed, or the client is gone. */
  finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.cancel();
    for (const partition of this.#partitions) partition.removeFetch(this);
    this.#complete();
  }
}
