/**
 * A machine of a simulated world: it runs one process at a time, which can be killed, paused and started again; its disk stays, its clock may jump.
 *
 * A process sees the world through the {@link Platform} made for it, and hears of nothing any more once it is dead.
 */
import {
  KEEP_ALL,
  MemoryDisk,
  type MemoryWorld,
  randomSurvival,
  type SeededRandom,
  type Survival,
} from "../../src/platform/memory.ts";
import type {
  Clock,
  Connection,
  ConnectionHandler,
  Network,
  Platform,
  Timer,
  Timers,
} from "../../src/platform/platform.ts";

/** What a broker wrote last is read at once: more than it keeps in memory (`bounds-checks.ts`), and less than a run writes, so that both ways of reading are taken. */
const CACHED_BYTES = 400_000;

/** How a process ends: `kill` leaves what the system has, `power` only what was synced and by chance more. */
export type EndOfProcess = "kill" | "power" | "silence";

export interface MachineModules {
  readonly world: MemoryWorld;
  readonly random: SeededRandom;
  /** Called after each event of this machine's. */
  readonly onPauseChanged: (machine: Machine) => void;
}

/** One process's life. */
class Process implements Clock, Timers {
  readonly #machine: Machine;
  readonly #world: MemoryWorld;
  isDead = false;

  constructor(machine: Machine, world: MemoryWorld) {
    this.#machine = machine;
    this.#world = world;
  }

  now(): number {
    return this.#world.time.now() + this.#machine.clockOffsetMs;
  }

  monotonic(): number {
    return this.#world.time.monotonic();
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#world.time.after(delayMs, () => this.run(callback));
  }

  every(periodMs: number, callback: () => void): Timer {
    return this.#world.time.every(periodMs, () => this.run(callback));
  }

  endOfTick(callback: () => void): void {
    this.#world.time.endOfTick(() => this.run(callback));
  }

  run(callback: () => void): void {
    if (this.isDead) return;
    const machine = this.#machine;
    if (machine.isPaused) machine.whenAwake(() => this.isDead || callback());
    else {
      machine.isTouched = true;
      callback();
    }
  }

  /** Something comes to it over the network. */
  touch(): void {
    this.#machine.isTouched = true;
  }
}

export class Machine {
  readonly name: string;
  readonly #modules: MachineModules;
  readonly #random: SeededRandom;
  disk: MemoryDisk;
  clockOffsetMs = 0;
  /** Its process ran, or something was done to it, since somebody last set this to false: what nobody touched is as it was. */
  isTouched = false;
  /** How long an fsync takes, by chance up to this. */
  syncMs = 2;
  #process: Process | null = null;
  #processCount = 0;
  #isPaused = false;
  #deferred: (() => void)[] = [];

  constructor(name: string, modules: MachineModules) {
    this.name = name;
    this.#modules = modules;
    this.#random = modules.random.fork(name);
    this.disk = this.#newDisk();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  /** What a new process of this machine runs on. */
  boot(): Platform {
    if (this.#process !== null) throw new Error(`${this.name} runs already`);
    const { world } = this.#modules;
    const process = new Process(this, world);
    this.#process = process;
    this.#processCount += 1;
    this.isTouched = true;
    return {
      clock: process,
      timers: process,
      random: this.#random.fork(`process ${this.#processCount}`),
      disk: this.disk,
      network: networkOf(process, world.fabric.host(this.name)),
    };
  }

  end(how: EndOfProcess): void {
    if (this.#process !== null) this.#process.isDead = true;
    this.#process = null;
    this.#deferred = [];
    this.resume();
    const { fabric } = this.#modules.world;
    fabric.crash(this.name, { silent: how === "silence" });
    this.disk.crash(this.#survival(how));
  }

  /** The disk is gone; another, empty one is in its place. */
  replaceDisk(): void {
    if (this.#process !== null) throw new Error(`${this.name} runs`);
    this.disk = this.#newDisk();
  }

  /** As SIGSTOP: nothing runs, nothing is read; others see a connection that is open. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#modules.onPauseChanged(this);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const deferred = this.#deferred;
    this.#deferred = [];
    this.#modules.onPauseChanged(this);
    for (const callback of deferred) this.#modules.world.time.after(0, () => this.whenAwake(callback));
  }

  whenAwake(callback: () => void): void {
    if (this.#isPaused) {
      this.#deferred.push(callback);
      return;
    }
    this.isTouched = true;
    callback();
  }

  #newDisk(): MemoryDisk {
    const { time } = this.#modules.world;
    // What the disk finished while the process slept is noticed when it wakes.
    const timers = {
      after: (delayMs: number, callback: () => void) => time.after(delayMs, () => this.whenAwake(callback)),
    };
    const latencyMs = (): number => this.syncMs * this.#random.float();
    return new MemoryDisk({ latencyMs, cachedBytes: CACHED_BYTES }, { clock: time, timers });
  }

  #survival(how: EndOfProcess): Survival {
    if (how === "kill") return KEEP_ALL;
    const kept = this.#random.pick([0, 0.5, 0.9]);
    return randomSurvival(this.#random, { kept, blockSizeBytes: this.#random.pick([512, 4096]) });
  }
}

/** A network whose doings end with the process. */
function networkOf(process: Process, network: Network): Network {
  return {
    listen: (options, onConnection) =>
      network.listen(options, (connection: Connection) => {
        if (process.isDead) return;
        process.touch();
        onConnection(noticing(process, connection));
      }),
    connect: (host, port, options) =>
      new Promise((resolve, reject) => {
        network.connect(host, port, options).then(
          connection =>
            process.isDead ? connection.destroy() : process.run(() => resolve(noticing(process, connection))),
          error => process.run(() => reject(error)),
        );
      }),
  };
}

/** The connection, whose news touch the process's machine. */
function noticing(process: Process, connection: Connection): Connection {
  const start = connection.start.bind(connection);
  connection.start = (handler: ConnectionHandler) =>
    start({
      buffer: () => handler.buffer(),
      received: sizeBytes => {
        process.touch();
        handler.received(sizeBytes);
      },
      drained: () => {
        process.touch();
        handler.drained();
      },
      closed: error => {
        process.touch();
        handler.closed(error);
      },
    });
  return connection;
}
