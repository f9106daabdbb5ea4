/** All who follow a replicated log, and all who only want to know who leads it. */
import type { Timers } from "../platform/platform.ts";
import type { LeaderAndEpoch, ReplicatedLogListener } from "./replicated-log.ts";
import { Subscription, type SubscriptionSource } from "./subscription.ts";

export interface SubscribersModules {
  readonly source: SubscriptionSource;
  readonly leader: () => LeaderAndEpoch;
  readonly timers: Pick<Timers, "endOfTick">;
}

export class Subscribers {
  readonly #modules: SubscribersModules;
  readonly #subscriptions = new Set<Subscription>();
  readonly #leaderListeners = new Set<(leader: LeaderAndEpoch) => void>();

  constructor(modules: SubscribersModules) {
    this.#modules = modules;
  }

  /** The first call comes in a later tick. Returns the end of it. */
  add(listener: ReplicatedLogListener): () => void {
    const { source, leader, timers } = this.#modules;
    const subscription = new Subscription(listener, source);
    this.#subscriptions.add(subscription);
    timers.endOfTick(() => {
      subscription.leaderChanged(leader());
      subscription.pump();
    });
    return () => {
      subscription.end();
      this.#subscriptions.delete(subscription);
    };
  }

  onLeaderChanged(listener: (leader: LeaderAndEpoch) => void): () => void {
    this.#leaderListeners.add(listener);
    return () => this.#leaderListeners.delete(listener);
  }

  /** More is committed. */
  pump(): void {
    for (const subscription of this.#subscriptions) subscription.pump();
  }

  /** The quorum is about to append records of its own. */
  appendNow(): void {
    for (const subscription of this.#subscriptions) subscription.appendNow();
  }

  resigned(epoch: number): void {
    for (const subscription of this.#subscriptions) subscription.resigned(epoch);
  }

  leaderChanged(leader: LeaderAndEpoch): void {
    for (const subscription of this.#subscriptions) subscription.leaderChanged(leader);
    for (const listener of [...this.#leaderListeners]) listener(leader);
  }

  /** Nothing is told any more. */
  end(): void {
    for (const subscription of this.#subscriptions) subscription.end();
    this.#subscriptions.clear();
  }
}
