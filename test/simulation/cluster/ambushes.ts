/**
 * Faults that wait for their moment: what chance alone hits once in thousands of runs. Each says what it waits for and what it does then.
 *
 * They strike now and then only, for a cluster that is struck at every turn gets nowhere.
 */
import type { Partition } from "../../../src/replication/partition.ts";
import type { BrokerProcess } from "./broker-process.ts";
import type { ClusterSimulation } from "./cluster-simulation.ts";
import type { IsrObserver } from "./isr-checks.ts";

export type Ambush =
  /** While not all replicas are in sync, what passes between the leader and the controller takes long. */
  | "slowControl"
  /** Who is about to join an ISR falls asleep before the controller has heard. */
  | "stallJoiner"
  /** The process that is about to join ends, and another one begins, before the controller has heard. */
  | "restartJoiner"
  /** While an ISR changes, somebody else's process ends. */
  | "killOther"
  /** The leader falls asleep right after it has asked for another ISR. */
  | "pauseProposer"
  /** The leader ends when it has committed what its followers do not know to be. */
  | "killCommitter"
  /** As `killCommitter`, while not all replicas are in sync. */
  | "killCommitterOfFew"
  /** A broker cannot talk to the controller for a while, but to the others and to clients. */
  | "deafen"
  /** As `deafen`, a leader. */
  | "deafenCommitter"
  /** While an ISR changes, producers are far from its leader: much is under way when it refuses, and when it takes more again. */
  | "farProducers"
  /** A follower's disk becomes slow: it falls behind, and stays alive. */
  | "slowFollower";

/** How often what is waited for is let pass: once in so many times it strikes. */
const CHANCES: Readonly<Record<Ambush, number>> = {
  slowControl: 2,
  stallJoiner: 1,
  restartJoiner: 1,
  killOther: 4,
  pauseProposer: 4,
  killCommitter: 60,
  killCommitterOfFew: 4,
  deafen: 4,
  deafenCommitter: 40,
  farProducers: 1,
  slowFollower: 60,
};

/** A cluster gets that long to recover. */
const PAUSE_MS = 400;

export class Ambushes implements IsrObserver {
  readonly #simulation: ClusterSimulation;
  readonly #ambushes: readonly Ambush[];
  readonly counts = new Map<string, number>();
  #notBeforeMs = 0;
  /** Whose way to the controller is slow, or was last. */
  #slowed = "";
  #slowUntilMs = 0;
  isArmed = false;

  constructor(simulation: ClusterSimulation, ambushes: readonly Ambush[]) {
    this.#simulation = simulation;
    this.#ambushes = ambushes;
  }

  isrProposed(process: BrokerProcess, partition: Partition, joiners: readonly number[]): void {
    const leader = process.options.name;
    this.#slowControl(leader);
    const joiner = joiners[0];
    // Nothing happens before the controller hears where its word and the leader's are quick.
    const isSlow = this.#slowed === leader && this.#simulation.world.nowMs < this.#slowUntilMs;
    if (joiner !== undefined && this.isArmed && isSlow) {
      const ambush = this.#random.pick(["stallJoiner", "restartJoiner"] as const);
      const strike = ambush === "stallJoiner" ? () => this.#pause(`n${joiner}`) : () => this.#kill(`n${joiner}`, 1);
      this.#lieInWait(ambush, strike);
    }
    const others = partition.replicas.filter(id => id !== process.options.nodeId && id !== joiner);
    if (others.length > 0) this.#lieInWait("killOther", () => this.#kill(`n${this.#random.pick(others)}`));
    this.#lieInWait("pauseProposer", () => this.#pause(leader));
    this.#lieInWait("deafen", () => this.#deafen());
    this.#lieInWait("farProducers", () => this.#moveProducers(leader));
  }

  committed(process: BrokerProcess, partition: Partition): void {
    const followers = partition.replicas.filter(id => id !== process.options.nodeId);
    if (followers.length === 0) return;
    this.#lieInWait("killCommitter", () => this.#kill(process.options.name));
    if (partition.isr.length < partition.replicas.length) this.#slowControl(process.options.name);
    // Who was not in sync has less than the next leader, which does not know yet how far this one has committed.
    if (partition.isr.length < partition.replicas.length)
      this.#lieInWait("killCommitterOfFew", () => this.#kill(process.options.name));
    this.#lieInWait("deafenCommitter", () => this.#deafen(process.options.name));
    this.#lieInWait("slowFollower", () => this.#slowDisk(`n${this.#random.pick(followers)}`));
  }

  get #random() {
    return this.#simulation.random;
  }

  #lieInWait(ambush: Ambush, strike: () => void): void {
    if (!this.isArmed || !this.#ambushes.includes(ambush)) return;
    const { world } = this.#simulation;
    if (world.nowMs < this.#notBeforeMs || this.#random.integer(CHANCES[ambush]) > 0) return;
    this.#notBeforeMs = world.nowMs + PAUSE_MS * 2 * this.#random.float();
    this.counts.set(ambush, (this.counts.get(ambush) ?? 0) + 1);
    world.note("world", `lies in wait: ${ambush}`);
    // Not within the event that was waited for.
    world.memory.time.after(0, strike);
  }

  /** No fault to recover from: it comes besides the others. */
  #slowControl(name: string): void {
    const { world } = this.#simulation;
    const controller = this.#controller();
    if (!this.isArmed || !this.#ambushes.includes("slowControl") || controller === null || controller === name) return;
    if (world.nowMs < this.#slowUntilMs || this.#random.integer(CHANCES.slowControl) > 0) return;
    const delayMs = this.#random.pick([300, 1_000, 1_000]);
    const lastsMs = 500 + 1_500 * this.#random.float();
    this.#slowed = name;
    this.#slowUntilMs = world.nowMs + lastsMs;
    world.note("world", `slow control of ${name} by ${controller}`);
    world.slow(name, controller, delayMs);
    world.memory.time.after(lastsMs, () => world.slow(name, controller, 1));
  }

  #moveProducers(leader: string): void {
    const { world, clientNames } = this.#simulation;
    const delayMs = this.#random.pick([50, 150]);
    const setDelay = (ms: number): void => {
      for (const client of clientNames) {
        world.slow(client, leader, ms);
        world.slow(leader, client, ms);
      }
    };
    setDelay(delayMs);
    this.#simulation.later(1_000, () => setDelay(1));
  }

  #deafen(wanted?: string): void {
    const { world, names } = this.#simulation;
    const controller = this.#controller();
    if (controller === null || wanted === controller || names.length < 3) return;
    const name = wanted ?? this.#random.pick(names.filter(each => each !== controller));
    const ways = this.#random.pick(["one", "both", "both"] as const);
    world.cut(...(this.#random.chance(0.5) ? ([controller, name] as const) : ([name, controller] as const)), ways);
    this.#simulation.later(this.#random.pick([400, 1_300]), () => world.heal());
  }

  #pause(name: string): void {
    const machine = this.#simulation.world.machine(name);
    if (!machine.isRunning) return;
    machine.pause();
    this.#simulation.later(this.#random.pick([200, 600, 1_200]), () => machine.resume());
  }

  #kill(name: string, backInMs = this.#random.pick([5, 50, 500])): void {
    this.#simulation.end(name, this.#random.pick(["kill", "power", "silence"] as const));
    this.#simulation.later(backInMs, () => this.#simulation.start(name));
  }

  #slowDisk(name: string): void {
    const machine = this.#simulation.world.machine(name);
    machine.syncMs = this.#random.pick([100, 300, 600]);
    this.#simulation.later(600, () => {
      machine.syncMs = 2;
    });
  }

  #controller(): string | null {
    const leader = this.#simulation.running.find(({ driver }) => driver?.isLeader() === true);
    return leader?.options.name ?? null;
  }
}
