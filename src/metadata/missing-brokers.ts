/**
 * Brokers that this node has lost sight of, while the controller has not said yet what became of them.
 *
 * ```ts
 * missing.lost(2);                            // its connection closed
 * await missing.decided(id => id === leader); // another leads, or it is back, or it was only the connection
 * missing.found(2);
 * ```
 *
 * A client whose connection to a leader closes asks another broker at once who leads now, tens of milliseconds before anybody else can have been
 * elected. Told the dead broker's name again it would wait for a quarter of a second before it asked once more (librdkafka's
 * `topic.metadata.refresh.fast.interval.ms`; Java's clients wait for `retry.backoff.ms`). So answers that would name a missing broker wait for the
 * controller's decision, for `samsa.metadata.decision.wait.max.ms` from the loss on and no longer: a broker is waited for once.
 */
import type { Clock, Timer, Timers } from "../platform/platform.ts";
import type { ClusterImage } from "./cluster-image.ts";
import type { MetadataStore } from "./metadata-store.ts";

export interface MissingBrokersOptions {
  /** `samsa.metadata.decision.wait.max.ms`; 0 for never. */
  readonly maxWaitMs: number;
}

export interface MissingBrokersModules {
  readonly metadata: Pick<MetadataStore, "image" | "subscribe">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly timers: Timers;
}

interface Missing {
  /** Of the registration that was lost; the next one is another process. */
  readonly brokerEpoch: number;
  /** On the monotonic clock. */
  readonly untilMs: number;
  readonly timer: Timer;
}

export class MissingBrokers {
  readonly #options: MissingBrokersOptions;
  readonly #modules: MissingBrokersModules;
  readonly #missing = new Map<number, Missing>();
  readonly #waiting = new Set<() => void>();
  readonly #unsubscribe: () => void;

  constructor(options: MissingBrokersOptions, modules: MissingBrokersModules) {
    this.#options = options;
    this.#modules = modules;
    this.#unsubscribe = modules.metadata.subscribe(({ cluster }) => this.#changed(cluster));
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.#unsubscribe();
    for (const brokerId of [...this.#missing.keys()]) this.found(brokerId);
    this.#wake();
  }

  /** A connection to the broker is gone. A broker that stays lost is waited for once. */
  lost(brokerId: number): void {
    const { metadata, clock, timers } = this.#modules;
    const { maxWaitMs } = this.#options;
    const registration = metadata.image.cluster.brokers.get(brokerId);
    if (registration === undefined || registration.fenced || this.#missing.has(brokerId)) return;
    const timer = timers.after(maxWaitMs, () => this.#wake());
    const untilMs = clock.monotonic() + maxWaitMs;
    this.#missing.set(brokerId, { brokerEpoch: registration.epoch, untilMs, timer });
  }

  /** The broker is there after all. */
  found(brokerId: number): void {
    const missing = this.#missing.get(brokerId);
    if (missing === undefined) return;
    this.#missing.delete(brokerId);
    missing.timer.clear();
    this.#wake();
  }

  /**
   * Null when `names`, which says whether an answer made up now would name a broker, says so of no missing one: nothing has to be waited for.
   * Otherwise resolves when that is so, or the time is up.
   */
  decided(names: (brokerId: number) => boolean): Promise<void> | null {
    return this.#isAwaited(names) ? this.#await(names) : null;
  }

  async #await(names: (brokerId: number) => boolean): Promise<void> {
    while (this.#isAwaited(names)) await new Promise<void>(resolve => this.#waiting.add(resolve));
  }

  #isAwaited(names: (brokerId: number) => boolean): boolean {
    if (this.#missing.size === 0) return false;
    const nowMs = this.#modules.clock.monotonic();
    for (const [brokerId, { untilMs }] of this.#missing) if (nowMs < untilMs && names(brokerId)) return true;
    return false;
  }

  #changed({ brokers }: ClusterImage): void {
    for (const [brokerId, { brokerEpoch }] of this.#missing) {
      const registration = brokers.get(brokerId);
      if (registration?.epoch !== brokerEpoch || registration.fenced) this.found(brokerId);
    }
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
