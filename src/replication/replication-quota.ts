/**
 * Holds back the replication of partitions that are being moved (KIP-73): what is listed as throttled, and not in sync yet, goes no faster than a rate
 * of this broker's.
 *
 * The rate is measured over the last `windowCount` windows. A fetch that begins within the rate may overshoot it; the next ones then wait.
 */
import type { Clock } from "../platform/platform.ts";

export interface ReplicationQuotaOptions {
  /** Bytes a second; asked each time, for it may change. */
  readonly limit: () => number;
  /** `replication.quota.window.size.seconds` */
  readonly windowSizeMs: number;
  /** `replication.quota.window.num` */
  readonly windowCount: number;
}

interface Window {
  readonly startMs: number;
  bytes: number;
}

export class ReplicationQuota {
  readonly #options: ReplicationQuotaOptions;
  readonly #clock: Pick<Clock, "monotonic">;
  /** Oldest first. */
  readonly #windows: Window[] = [];

  constructor(options: ReplicationQuotaOptions, modules: { readonly clock: Pick<Clock, "monotonic"> }) {
    this.#options = options;
    this.#clock = modules.clock;
  }

  record(sizeBytes: number): void {
    const nowMs = this.#clock.monotonic();
    this.#drop(nowMs);
    const newest = this.#windows.at(-1);
    if (newest !== undefined && nowMs - newest.startMs < this.#options.windowSizeMs) newest.bytes += sizeBytes;
    else this.#windows.push({ startMs: nowMs, bytes: sizeBytes });
  }

  /** Bytes a second of late. */
  get rate(): number {
    const nowMs = this.#clock.monotonic();
    this.#drop(nowMs);
    const [oldest] = this.#windows;
    if (oldest === undefined) return 0;
    const bytes = this.#windows.reduce((sum, window) => sum + window.bytes, 0);
    return (bytes * 1000) / Math.max(nowMs - oldest.startMs, this.#options.windowSizeMs);
  }

  get isExceeded(): boolean {
    return this.rate > this.#options.limit();
  }

  #drop(nowMs: number): void {
    const { windowSizeMs, windowCount } = this.#options;
    while (this.#windows.length > 0 && nowMs - this.#windows[0]!.startMs >= windowSizeMs * windowCount)
      this.#windows.shift();
  }
}

/** Whether a list of `partition:broker`, or `*`, names the replica of `partition` on `brokerId`. */
export function namesReplica(list: readonly string[], partition: number, brokerId: number): boolean {
  return list.some(entry => entry.trim() === "*" || entry.trim() === `${partition}:${brokerId}`);
}
