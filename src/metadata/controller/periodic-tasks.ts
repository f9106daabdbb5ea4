/**
 * What the active controller looks after from time to time, whatever happens: that preferred replicas lead, and that partitions whose topic allows
 * an unclean election do not wait for ever.
 */
import type { BrokerConfig } from "../../config/index.ts";
import type { Logger } from "../../logging/logger.ts";
import type { Timer, Timers } from "../../platform/platform.ts";

export interface PeriodicTasksModules {
  readonly config: BrokerConfig;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly isActive: () => boolean;
  /** Resolves to whether there is more to do. */
  readonly balanceLeaders: () => Promise<boolean>;
  readonly electLeaderless: () => Promise<void>;
}

/** Between steps of a balancing that takes several. */
const BALANCE_STEP_MS = 100;

export class PeriodicTasks {
  readonly #modules: PeriodicTasksModules;
  #timers: Timer[] = [];
  #next: Timer | null = null;

  constructor(modules: PeriodicTasksModules) {
    this.#modules = modules;
  }

  /** Begins anew. */
  start(): void {
    this.stop();
    const { config, timers, electLeaderless } = this.#modules;
    const electEveryMs = config.get("unclean.leader.election.interval.ms");
    this.#timers.push(timers.every(electEveryMs, () => this.#run("elect-leaderless", electLeaderless)));
    if (!config.get("auto.leader.rebalance.enable")) return;
    const balanceEveryMs = config.get("leader.imbalance.check.interval.seconds") * 1_000;
    this.#timers.push(timers.every(balanceEveryMs, () => this.#run("balance-leaders", () => this.#balance())));
  }

  stop(): void {
    for (const timer of this.#timers) timer.clear();
    this.#timers = [];
    this.#next?.clear();
    this.#next = null;
  }

  /** Looks for partitions that wait for a leader at once. */
  electNow(): void {
    this.#run("elect-leaderless", this.#modules.electLeaderless);
  }

  async #balance(): Promise<void> {
    this.#next?.clear();
    this.#next = null;
    if (!(await this.#modules.balanceLeaders()) || this.#timers.length === 0) return;
    this.#next = this.#modules.timers.after(BALANCE_STEP_MS, () => this.#run("balance-leaders", () => this.#balance()));
  }

  /** A failure is a matter for the next time. */
  #run(task: string, work: () => Promise<void>): void {
    if (!this.#modules.isActive()) return;
    work().catch((error: unknown) => this.#modules.logger.warn("controller.task-failed", { task, error }));
  }
}
