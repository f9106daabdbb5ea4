/**
 * A world to break things in: machines, links between them, time, chance – all from one seed.
 *
 * ```ts
 * const world = new World({ seed: 7, machineNames: ["n1", "n2", "n3"] });
 * world.cut("n1", "n2", "both");
 * await world.run(1000, () => check());
 * ```
 */
import { createMemoryWorld, type MemoryWorld, SeededRandom } from "../../src/platform/memory.ts";
import { Machine } from "./machine.ts";
import { Trace } from "./trace.ts";

export interface WorldOptions {
  readonly seed: number | string;
  readonly machineNames: readonly string[];
  readonly keepsTrace?: boolean;
}

/** Linux's least. */
const RETRANSMISSION_TIMEOUT_MS = 200;

/** What the simulation found to be wrong. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

export class World {
  readonly random: SeededRandom;
  readonly memory: MemoryWorld;
  readonly trace: Trace;
  readonly machines: ReadonlyMap<string, Machine>;
  /** Ways cut, `from>to`. */
  readonly #cuts = new Set<string>();
  /** Ways that are slow, and by how much. */
  readonly #slow = new Map<string, number>();
  /** Ways that lose packets, and how many of them. */
  readonly #lossy = new Map<string, number>();
  readonly #linkRandom: SeededRandom;
  eventCount = 0;

  constructor(options: WorldOptions) {
    this.random = new SeededRandom(`world ${options.seed}`);
    this.#linkRandom = this.random.fork("links");
    this.trace = new Trace({ keeps: options.keepsTrace ?? false });
    const delayMs = (from: string, to: string): number => this.#delay(from, to);
    this.memory = createMemoryWorld({ seed: `memory ${options.seed}`, shuffle: true, network: { delayMs } });
    this.machines = new Map(
      options.machineNames.map(name => [
        name,
        new Machine(name, { world: this.memory, random: this.random, onPauseChanged: () => this.#applyCuts() }),
      ]),
    );
  }

  get nowMs(): number {
    return this.memory.time.monotonic();
  }

  note(who: string, what: string): void {
    this.trace.add(this.nowMs, who, what);
  }

  machine(name: string): Machine {
    const machine = this.machines.get(name);
    if (machine === undefined) throw new Error(`no machine ${name}`);
    return machine;
  }

  /** Runs for `durationMs`; `check` is called after every event and ends the run by returning true. */
  async run(durationMs: number, check: () => boolean | undefined): Promise<boolean> {
    const { time } = this.memory;
    const endMs = this.nowMs + durationMs;
    // What was begun outside of an event has to reach its timers first.
    await time.advance(0);
    let isFirst = true;
    let isOver = false;
    await time.run(() => {
      if (!isFirst) {
        this.eventCount += 1;
        isOver = check() === true;
      }
      isFirst = false;
      return !isOver && (time.nextAtMs() ?? Infinity) <= endMs;
    });
    if (isOver) return true;
    await time.advance(endMs - this.nowMs);
    return false;
  }

  cut(from: string, to: string, ways: "one" | "both"): void {
    this.#cuts.add(wayOf(from, to));
    if (ways === "both") this.#cuts.add(wayOf(to, from));
    this.#applyCuts();
  }

  /** Makes what goes from one machine to the other take up to `delayMs`. */
  slow(from: string, to: string, delayMs: number): void {
    this.#slow.set(wayOf(from, to), delayMs);
  }

  /** Loses packets between two machines: TCP sends them again after a while, and after twice that. */
  lose(a: string, b: string, probability: number): void {
    this.#lossy.set(wayOf(a, b), probability);
    this.#lossy.set(wayOf(b, a), probability);
  }

  heal(): void {
    this.#cuts.clear();
    this.#slow.clear();
    this.#lossy.clear();
    this.#applyCuts();
  }

  #delay(from: string, to: string): number {
    if (from === to) return 0.01;
    // Most of the time no way is slow or loses anything.
    const slowMs = this.#slow.size === 0 ? undefined : this.#slow.get(wayOf(from, to));
    const delayMs = 0.1 + this.#linkRandom.float() * (slowMs ?? 0.9);
    const loss = this.#lossy.size === 0 ? undefined : this.#lossy.get(wayOf(from, to));
    return loss === undefined ? delayMs : delayMs + this.#retransmissionMs(loss);
  }

  #retransmissionMs(loss: number): number {
    let waitMs = 0;
    for (let timeoutMs = RETRANSMISSION_TIMEOUT_MS; this.#linkRandom.float() < loss; timeoutMs *= 2)
      waitMs += timeoutMs;
    return waitMs;
  }

  #applyCuts(): void {
    const { fabric } = this.memory;
    const names = [...this.machines.keys()];
    const isAsleep = (name: string): boolean => this.machine(name).isPaused;
    for (const from of names) {
      for (const to of names) {
        if (from === to) continue;
        if (this.#cuts.has(wayOf(from, to)) || isAsleep(from) || isAsleep(to)) {
          fabric.partition(from, to, { oneWay: true });
        }
      }
    }
    for (const a of names) {
      for (const b of names) {
        if (a >= b) continue;
        const blocked = [
          [a, b],
          [b, a],
        ].filter(([from, to]) => this.#cuts.has(wayOf(from!, to!)) || isAsleep(from!) || isAsleep(to!));
        if (blocked.length === 2) continue;
        fabric.heal(a, b);
        for (const [from, to] of blocked) fabric.partition(from!, to!, { oneWay: true });
      }
    }
  }
}

function wayOf(from: string, to: string): string {
  return `${from}>${to}`;
}
