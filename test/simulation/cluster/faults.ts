/** The faults that a simulated cluster is put through: when they come, what they do, and what they excuse. */
import { DiskError } from "../../../src/platform/platform.ts";
import type { ClusterSimulation } from "./cluster-simulation.ts";
import type { Fault } from "./scenarios.ts";

export class Faults {
  readonly #simulation: ClusterSimulation;
  readonly counts = new Map<string, number>();
  /** Machines whose disk fails, or failed while their process ran. */
  readonly #failing = new Set<string>();
  #isChaos = false;

  constructor(simulation: ClusterSimulation) {
    this.#simulation = simulation;
  }

  start(): void {
    this.#isChaos = true;
    this.#schedule();
  }

  stop(): void {
    this.#isChaos = false;
  }

  /** Whether a broker may give up with this error. */
  explains(name: string, error: Error): boolean {
    return this.#failing.has(name) && isOfDisk(error);
  }

  /** Everything works again from here on. */
  healAll(): void {
    const { world, names, clientNames } = this.#simulation;
    world.heal();
    for (const name of [...names, ...clientNames]) {
      const machine = world.machine(name);
      machine.resume();
      machine.disk.clearFaults();
      machine.syncMs = 2;
    }
  }

  #schedule(): void {
    const { random, world } = this.#simulation;
    const waitMs = -Math.log(1 - random.float()) * this.#everyMs;
    world.memory.time.after(waitMs, () => {
      if (!this.#isChaos) return;
      this.#strike();
      this.#schedule();
    });
  }

  get #everyMs(): number {
    const { scenario, random } = this.#simulation;
    return random.pick(scenario.faultEveryMs);
  }

  #strike(): void {
    const simulation = this.#simulation;
    const { random, world, names, clientNames } = simulation;
    const fault = random.pick(simulation.scenario.faults);
    const name = random.pick(names);
    const other = random.pick([...names, ...clientNames].filter(each => each !== name));
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    world.note("world", `${fault} ${name} ${other}`);
    this.#do(fault, name, other);
    // Done from outside, where no machine notices.
    for (const each of names) world.machine(each).isTouched = true;
  }

  #do(fault: Fault, name: string, other: string): void {
    const simulation = this.#simulation;
    const { random, world, names } = simulation;
    const machine = world.machine(name);
    switch (fault) {
      case "kill":
      case "power":
      case "silence":
        simulation.end(name, fault);
        simulation.later(random.pick([5, 50, 500, 1_500]), () => simulation.start(name));
        break;
      case "powerAll":
      case "killAll":
        for (const each of names) simulation.end(each, fault === "powerAll" ? "power" : "kill");
        for (const each of names) simulation.later(random.pick([20, 500]), () => simulation.start(each));
        break;
      case "stop":
        this.#stop(name);
        break;
      case "pause":
        if (!machine.isRunning) break;
        machine.pause();
        simulation.later(random.pick([50, 300, 1_200]), () => machine.resume());
        break;
      case "clock":
        machine.clockOffsetMs += random.pick([-600_000, -500, 500, 600_000]);
        break;
      case "slowDisk":
        machine.syncMs = random.pick([0.2, 2, 30, 300]);
        break;
      case "fullDisk":
        this.#failDisk(name, "ENOSPC");
        break;
      case "brokenDisk":
        this.#failDisk(name, "EIO");
        break;
      case "loseDisk":
        this.#loseDisk(name);
        break;
      case "cut":
        world.cut(name, other, random.pick(["one", "both"]));
        break;
      case "isolate":
        for (const each of names) if (each !== name) world.cut(name, each, "both");
        break;
      case "slow":
        world.slow(name, other, random.pick([20, 200, 800]));
        world.slow(other, name, random.pick([20, 200, 800]));
        break;
      case "lossy":
        world.lose(name, other, random.pick([0.02, 0.2]));
        break;
      case "reset":
        world.memory.fabric.reset(name, other);
        break;
      case "heal":
        world.heal();
        break;
      case "resign": {
        const leader = simulation.running.find(({ driver }) => driver?.isLeader() === true);
        if (leader?.driver != null) leader.driver.resign(leader.driver.leaderAndEpoch.epoch, "told to");
        break;
      }
      case "producer":
        random.pick(simulation.producers).restart();
        break;
    }
  }

  /** The process is told to stop; should it take too long, it is killed. */
  #stop(name: string): void {
    const simulation = this.#simulation;
    const process = simulation.processes.get(name);
    if (process === undefined || simulation.world.machine(name).isPaused) return;
    const isCurrent = (): boolean => simulation.processes.get(name) === process;
    simulation.world.note(name, "is told to stop");
    process.isToldToStop = true;
    process.broker.stop().then(() => {
      if (isCurrent()) simulation.world.memory.time.after(0, () => isCurrent() && simulation.end(name, "kill"));
    });
    simulation.later(3_000, () => {
      if (isCurrent()) simulation.end(name, "kill");
      simulation.start(name);
    });
  }

  #failDisk(name: string, code: "ENOSPC" | "EIO"): void {
    const simulation = this.#simulation;
    const { random, world } = simulation;
    if (this.#failing.has(name)) return;
    this.#failing.add(name);
    const { disk } = world.machine(name);
    const path = random.pick([".log", ".log", "quorum-state", "__cluster_metadata", "checkpoint", ""]);
    const fault =
      code === "ENOSPC"
        ? { operation: "writev" as const, path, code, writtenBytes: random.pick([0, 0, 30]) }
        : { operation: random.pick([["sync"], ["writev"], ["sync", "writev"]] as const), path, code, times: 1 };
    const remove = disk.addFault(fault);
    simulation.later(800, () => remove());
    // A broker may notice later, when it next asks for what it was refused.
    simulation.later(4_000, () => this.#failing.delete(name));
  }

  /** One at a time, and only what the others hold too. */
  #loseDisk(name: string): void {
    const simulation = this.#simulation;
    if (!simulation.mayLoseDisk(name)) return;
    simulation.replaceDisk(name);
    simulation.later(100, () => simulation.start(name));
  }
}

function isOfDisk(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof DiskError || /ENOSPC|EIO|disk|storage/i.test(each.message)) return true;
  }
  return false;
}
