/**
 * What the active controller looks after from time to time, whatever happens: that preferred replicas lead, that partitions whose topic allows
 * an unclean election do not wait for ever, and that the log grows.
 */
import type { BrokerConfig } from "../../config/index.ts";
import type { Logger } from "../../logging/logger.ts";
import type { Clock, Timer, Timers } from "../../platform/platform.ts";
import { IdleRecord, noOp } from "./idle-record.ts";
import { balanceLeaders } from "./leader-balance.ts";
import type { Operation } from "./operation.ts";

export interface PeriodicTasksModules {
  readonly config: BrokerConfig;
  readonly clock: Pick<Clock, "monotonic">;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly isActive: () => boolean;
  /** Decides; resolves once that is committed. */
  readonly run: <R>(operation: Operation<R>) => Promise<{ readonly response: R }>;
  readonly electLeaderless: () => Promise<void>;
}

/** Between steps of a balancing that takes several. */
const BALANCE_STEP_MS = 100;

export class PeriodicTasks {
  readonly #modules: PeriodicTasksModules;
  readonly #idleRecord: IdleRecord;
  #timers: Timer[] = [];
  #next: Timer | null = null;

  constructor(modules: PeriodicTasksModules) {
    this.#modules = modules;
    this.#idleRecord = new IdleRecord(modules.config.get("metadata.max.idle.interval.ms"), {
      ...modules,
      write: () => this.#run(noOp.name, () => modules.run(noOp)),
    });
  }

  /** Begins anew. */
  start(): void {
    this.stop();
    const { config, timers, electLeaderless } = this.#modules;
    this.#idleRecord.start();
    const electEveryMs = config.get("unclean.leader.election.interval.ms");
    this.#timers.push(timers.every(electEveryMs, () => this.#run("elect-leaderless", electLeaderless)));
    if (!config.get("auto.leader.rebalance.enable")) return;
    const balanceEveryMs = config.get("leader.imbalance.check.interval.seconds") * 1_000;
    this.#timers.push(timers.every(balanceEveryMs, () => this.#run("balance-leaders", () => this.#balance())));
  }

  /** Records were decided. */
  decided(records: readonly unknown[]): void {
    if (records.length > 0) this.#idleRecord.written();
  }

  stop(): void {
    this.#idleRecord.stop();
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
    const { response } = await this.#modules.run(balanceLeaders(this.#modules));
    if (response.isLast || this.#timers.length === 0) return;
    this.#next = this.#modules.timers.after(BALANCE_STEP_MS, () => this.#run("balance-leaders", () => this.#balance()));
  }

  /** A failure is a matter for the next time; what this node did not see committed before it ceased to lead, for the next controller. */
  #run(task: string, work: () => Promise<unknown>): void {
    if (!this.#modules.isActive()) return;
    work().catch((error: unknown) => {
      if (this.#modules.isActive()) this.#modules.logger.warn("controller.task-failed", { task, error });
    });
  }
}
