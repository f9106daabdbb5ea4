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
  /** Who is about to join an ISR falls asleep, and the controller's word takes long. */
  | "stallJoiner"
  /** The process that is about to join ends, and another one begins, before the controller has heard. */
  | "restartJoiner"
  /** While an ISR changes, somebody else's process ends. */
  | "killOther"
  /** The leader falls asleep right after it has asked for another ISR. */
  | "pauseProposer"
  /** The leader ends when it has committed what its followers do not know to be. */
  | "killCommitter"
  /** A broker cannot talk to the controller for a while, but to the others. */
  | "deafen"
  /** A follower's disk becomes slow: it falls behind, and stays alive. */
  | "slowFollower";

/** How often what is waited for is let pass: once in so many times it strikes. */
const CHANCES: Readonly<Record<Ambush, number>> = {
  stallJoiner: 2,
  restartJoiner: 2,
  killOther: 4,
  pauseProposer: 4,
  killCommitter: 60,
  deafen: 4,
  slowFollower: 60,
};

/** A cluster gets that long to recover. */
const PAUSE_MS = 400;

export class Ambushes implements IsrObserver {
  readonly #simulation: ClusterSimulation;
  readonly #ambushes: readonly Ambush[];
  readonly counts = new Map<string, number>();
  #notBeforeMs = 0;
  isArmed = false;

  constructor(simulation: ClusterSimulation, ambushes: readonly Ambush[]) {
    this.#simulation = simulation;
    this.#ambushes = ambushes;
  }

  isrProposed(process: BrokerProcess, partition: Partition, joiners: readonly number[]): void {
    const leader = process.options.name;
    const joiner = joiners[0];
    if (joiner !== undefined) {
      this.#lieInWait("stallJoiner", () => this.#stall(`n${joiner}`, leader));
      this.#lieInWait("restartJoiner", () => this.#restart(`n${joiner}`, leader));
    }
    const others = partition.replicas.filter(id => id !== process.options.nodeId && id !== joiner);
    if (others.length > 0) this.#lieInWait("killOther", () => this.#kill(`n${this.#random.pick(others)}`));
    this.#lieInWait("pauseProposer", () => this.#pause(leader));
    this.#lieInWait("deafen", () => this.#deafen());
  }

  committed(process: BrokerProcess, partition: Partition): void {
    const followers = partition.replicas.filter(id => id !== process.options.nodeId);
    if (followers.length === 0) return;
    this.#lieInWait("killCommitter", () => this.#kill(process.options.name));
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

  #stall(joiner: string, leader: string): void {
    this.#delayControl(leader);
    this.#pause(joiner);
  }

  #restart(joiner: string, leader: string): void {
    this.#delayControl(leader);
    this.#kill(joiner, 1);
  }

  /** Makes what passes between a broker and the controller, or between the controller and its voters, slow for a while. */
  #delayControl(name: string): void {
    const { world, names } = this.#simulation;
    const delayMs = this.#random.pick([100, 400, 800]);
    const controller = this.#controller();
    const far = controller === null || controller === name ? names.filter(each => each !== name) : [controller];
    for (const other of far) {
      world.slow(name, other, delayMs);
      world.slow(other, name, delayMs);
    }
    this.#simulation.later(delayMs * 2, () => {
      for (const other of far) {
        world.slow(name, other, 1);
        world.slow(other, name, 1);
      }
    });
  }

  #deafen(): void {
    const { world, names } = this.#simulation;
    const controller = this.#controller();
    const others = names.filter(name => name !== controller);
    if (controller === null || others.length < 2) return;
    const name = this.#random.pick(others);
    const ways = this.#random.pick(["one", "both"] as const);
    world.cut(...(this.#random.chance(0.5) ? ([controller, name] as const) : ([name, controller] as const)), ways);
    this.#simulation.later(this.#random.pick([400, 1_200]), () => world.heal());
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
