/**
 * Who waits at a partition: producers and others for the high watermark to reach an offset, parked fetches for something to read.
 */
import type { DelayedFetch } from "./delayed-fetch.ts";
import { type OffsetWaiter, OffsetWaiters } from "./offset-waiters.ts";
import { ReadableBytes } from "./readable-bytes.ts";

export interface PartitionWaitsModules {
  /** Asks for a flush, because a consumer waits for what is appended. */
  readonly requestFlush: () => void;
  /** Calls {@link PartitionWaits.tellFollowers} at the end of this tick. */
  readonly tellFollowersLater: () => void;
}

export class PartitionWaits {
  readonly #modules: PartitionWaitsModules;
  readonly #waiters = new OffsetWaiters();
  /** For the low watermark, in no order: there are few. */
  #lowWaiters: { readonly offset: number; readonly waiter: OffsetWaiter }[] = [];
  readonly #fetches = new Set<DelayedFetch>();
  readonly #readable = new ReadableBytes();
  /** Appended since parked fetches of followers were told last. */
  #untoldBytes = 0;

  constructor(modules: PartitionWaitsModules) {
    this.#modules = modules;
  }

  /** Calls `waiter` once when the high watermark reaches `offset`. */
  add(offset: number, waiter: OffsetWaiter): void {
    this.#waiters.add(offset, waiter);
  }

  /** Calls `waiter` once when the low watermark reaches `offset`. */
  addLow(offset: number, waiter: OffsetWaiter): void {
    this.#lowWaiters.push({ offset, waiter });
  }

  get hasLowWaiters(): boolean {
    return this.#lowWaiters.length > 0;
  }

  lowWatermarkMoved(lowWatermark: number): void {
    const waiting = this.#lowWaiters;
    this.#lowWaiters = waiting.filter(({ offset }) => offset > lowWatermark);
    for (const { offset, waiter } of waiting) if (offset <= lowWatermark) waiter.offsetReached();
  }

  addFetch(fetch: DelayedFetch): void {
    this.#fetches.add(fetch);
  }

  removeFetch(fetch: DelayedFetch): void {
    this.#fetches.delete(fetch);
  }

  /** `sizeBytes` were appended, up to `endOffset`. */
  appended(endOffset: number, sizeBytes: number): void {
    this.#readable.appended(endOffset, sizeBytes);
    if (this.#fetches.size === 0) return;
    let wantsFlush = false;
    let hasFollower = false;
    for (const fetch of this.#fetches) {
      if (fetch.isolation === "log-end") hasFollower = true;
      else wantsFlush = true;
    }
    if (wantsFlush) this.#modules.requestFlush();
    if (!hasFollower) return;
    if (this.#untoldBytes === 0) this.#modules.tellFollowersLater();
    this.#untoldBytes += sizeBytes;
  }

  /** Tells parked fetches of followers what was appended in this tick. */
  tellFollowers(): void {
    const sizeBytes = this.#untoldBytes;
    this.#untoldBytes = 0;
    for (const fetch of this.#fetches) if (fetch.isolation === "log-end") fetch.readable(sizeBytes);
  }

  /** The high watermark is at `highWatermark`. `hurriesFollowers`: they are to hear of that at once. */
  highWatermarkMoved(highWatermark: number, hurriesFollowers: boolean): void {
    this.#waiters.reached(highWatermark);
    const readableBytes = this.#readable.advance(highWatermark);
    if (readableBytes === 0 || this.#fetches.size === 0) return;
    for (const fetch of this.#fetches) {
      if (fetch.isolation !== "log-end") fetch.readable(readableBytes);
      else if (hurriesFollowers) fetch.finish();
    }
  }

  /** What ended above `endOffset` is gone from the log. */
  cut(endOffset: number): void {
    this.#readable.cut(endOffset);
  }

  /** Batches above `endOffset` could not be written: who waits for them is told, and they are counted no more. */
  takenBack(endOffset: number, errorCode: number): void {
    this.cut(endOffset);
    this.#waiters.failAbove(endOffset, errorCode);
  }

  /** Nothing that is waited for will happen here. */
  release(errorCode: number): void {
    this.#waiters.failAbove(-1, errorCode);
    for (const { waiter } of this.#lowWaiters.splice(0)) waiter.offsetFailed(errorCode);
    this.wakeFetches();
  }

  /** Fewer replicas are in sync than acks=all asks for. */
  isrTooSmall(): void {
    this.#waiters.isrTooSmall();
  }

  /** Wakes parked fetches, because something other than new records has changed. */
  wakeFetches(): void {
    for (const fetch of [...this.#fetches]) fetch.finish();
  }
}
