/**
 * A quorum under faults, then healed: the scenario behind `npm run simulate`.
 *
 * ```ts
 * const outcome = await runQuorum({ seed: 7 });
 * outcome.hash  // the same for the same seed
 * ```
 */
import type { SeededRandom } from "../../../src/platform/memory.ts";
import type { Voter } from "../../../src/raft/quorum-history.ts";
import { KRAFT_VERSION_RANGE } from "../../../src/raft/voter-set.ts";
import type { EndOfProcess, Machine } from "../machine.ts";
import type { SimulationRun } from "../simulation-run.ts";
import { InvariantError, World } from "../world.ts";
import { QuorumChecks } from "./quorum-checks.ts";
import { CLUSTER_ID, formatDisk, LISTENER, PORT, QuorumNode, type QuorumNodeOptions } from "./quorum-node.ts";

export interface QuorumRunOptions {
  readonly seed: number | string;
  readonly keepsTrace?: boolean;
  /** Virtual time under faults. Default 20,000. */
  readonly chaosMs?: number;
  /** Instead of what the seed chooses. */
  readonly shape?: Partial<QuorumShape>;
}

export interface QuorumShape {
  readonly voterCount: number;
  readonly observerCount: number;
  readonly isDynamic: boolean;
  /** Voters that are configured are written to the log on the way: `kraft.version` is raised to 1. */
  readonly isUpgraded: boolean;
  /** Mean time between faults. */
  readonly faultEveryMs: number;
}

export interface QuorumRun extends SimulationRun {
  readonly shape: QuorumShape;
  readonly electionCount: number;
  readonly committedEndOffset: number;
  readonly ackedCount: number;
}

const LEADER_LIMIT_MS = 10_000;
const CONVERGENCE_LIMIT_MS = 60_000;

export async function runQuorum(options: QuorumRunOptions): Promise<QuorumRun> {
  const simulation = new QuorumSimulation(options);
  return simulation.run();
}

class QuorumSimulation {
  readonly #options: QuorumRunOptions;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #shape: QuorumShape;
  readonly #checks = new QuorumChecks();
  readonly #nodes = new Map<string, QuorumNode>();
  readonly #directoryIds = new Map<string, string>();
  readonly #controllerNames: string[];
  readonly #names: string[];
  readonly #full = new Set<string>();
  readonly #faults = new Map<string, number>();
  #isChaos = true;
  #valueCount = 0;
  #directoryCount = 0;
  #failure: Error | null = null;

  constructor(options: QuorumRunOptions) {
    this.#options = options;
    const shape = new World({ seed: `shape ${options.seed}`, machineNames: [] }).random;
    this.#shape = {
      voterCount: shape.pick([1, 3, 3, 3, 3, 5]),
      observerCount: shape.pick([0, 0, 1]),
      isDynamic: shape.chance(0.7),
      faultEveryMs: shape.pick([150, 400, 1000]),
      isUpgraded: shape.chance(0.5),
      ...options.shape,
    };
    const { voterCount, observerCount } = this.#shape;
    this.#controllerNames = Array.from({ length: voterCount }, (_, index) => `n${index + 1}`);
    this.#names = [
      ...this.#controllerNames,
      ...Array.from({ length: observerCount }, (_, index) => `n${voterCount + index + 1}`),
    ];
    this.#world = new World({ seed: options.seed, machineNames: this.#names, keepsTrace: options.keepsTrace ?? false });
    this.#random = this.#world.random.fork("chaos");
  }

  async run(): Promise<QuorumRun> {
    try {
      await this.#boot();
      this.#client();
      if (this.#shape.isUpgraded && !this.#shape.isDynamic) this.#administrator();
      this.#scheduleFault();
      await this.#world.run(this.#options.chaosMs ?? 20_000, () => this.#check());
      await this.#heal();
    } catch (error) {
      this.#failure ??= error as Error;
    }
    if (this.#failure !== null) this.#world.note("world", `FAILED ${this.#failure.message}`);
    const { electionCount, committedEndOffset, acked } = this.#checks;
    return {
      name: "quorum",
      counts: { elections: electionCount, committed: committedEndOffset, acked: acked.size },
      hash: this.#world.trace.hash,
      eventCount: this.#world.eventCount,
      shape: this.#shape,
      electionCount,
      committedEndOffset,
      ackedCount: acked.size,
      faults: this.#faults,
      trace: this.#world.trace.lines,
      failure: this.#failure,
    };
  }

  async #boot(): Promise<void> {
    for (const name of this.#names) this.#directoryIds.set(name, this.#newDirectoryId());
    this.#world.note("world", JSON.stringify({ ...this.#shape, cluster: CLUSTER_ID }));
    for (const name of this.#names) this.#start(name, true);
  }

  get #voters(): Voter[] {
    return this.#controllerNames.map(name => ({
      voterId: idOf(name),
      voterDirectoryId: this.#directoryIds.get(name) as string,
      endpoints: [{ name: LISTENER, host: name, port: PORT }],
      kRaftVersionFeature: KRAFT_VERSION_RANGE,
    }));
  }

  #start(name: string, isFirst = false): void {
    const machine = this.#world.machine(name);
    if (machine.isRunning) return;
    const platform = machine.boot();
    const { isDynamic, isUpgraded } = this.#shape;
    const isController = this.#controllerNames.includes(name);
    if (isFirst) formatDisk(platform, isController ? this.#voters : null, isDynamic ? 1 : 0);
    const others = this.#controllerNames.filter(other => other !== name);
    const node = new QuorumNode(
      {
        nodeId: idOf(name),
        name,
        directoryId: this.#directoryIds.get(name) as string,
        isController,
        staticVoters: isDynamic ? [] : this.#controllerNames.map(host => ({ id: idOf(host), host, port: PORT })),
        bootstrapServers: isDynamic ? others.map(host => ({ host, port: PORT })) : [],
        autoJoin: isController && (isDynamic || isUpgraded),
        snapshotBytes: this.#random.pick([2_000, 20_000, 1_000_000]),
        retentionBytes: this.#random.pick([3_000, 100_000]),
      } satisfies QuorumNodeOptions,
      platform,
      {
        committed: (who, batch, hash) => {
          this.#world.note(name, `committed ${batch.baseOffset}-${batch.lastOffset} e${batch.epoch} ${hash}`);
          this.#guard(() => this.#checks.committed(who, batch, hash));
        },
        snapshotLoaded: (who, endOffset, hash) => {
          this.#world.note(name, `snapshot ${endOffset} ${hash}`);
          this.#guard(() => this.#checks.snapshotLoaded(who, endOffset, hash));
        },
        told: (who, known, highWatermark) => this.#guard(() => this.#checks.told(who, known, highWatermark)),
        note: what => this.#world.note(name, what),
        fatal: (who, error) => this.#gaveUp(who, error),
      },
    );
    this.#nodes.set(name, node);
    this.#world.note(name, "starts");
    node.start().catch(error => this.#gaveUp(node, error as Error));
  }

  /** A node may give up when its disk is full; its process then ends, and is started again. */
  #gaveUp(node: QuorumNode, error: Error): void {
    const { name } = node.options;
    if (this.#nodes.get(name) !== node || error.message === "metadata log closed") return;
    if ((error as { code?: string }).code !== "ENOSPC") {
      this.#failure ??= new InvariantError(`${name} gave up: ${error.stack ?? error.message}`);
      return;
    }
    this.#end(name, "kill");
    this.#later(500, () => this.#start(name));
  }

  #end(name: string, how: EndOfProcess): void {
    const machine = this.#world.machine(name);
    if (!machine.isRunning) return;
    this.#world.note(name, `ends: ${how}`);
    const node = this.#nodes.get(name);
    if (node !== undefined) this.#checks.noteDurable(node);
    machine.end(how);
    this.#nodes.delete(name);
  }

  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#failure ??= error as Error;
    }
  }

  /** After every event. */
  #check(): boolean {
    this.#guard(() => this.#checks.afterEvent([...this.#nodes.values()]));
    if (this.#failure !== null) throw this.#failure;
    return false;
  }

  // Clients

  #client(): void {
    this.#world.memory.time.after(1 + 30 * this.#random.float(), () => {
      this.#propose(this.#random.pick(this.#names));
      this.#client();
    });
  }

  #propose(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined || node.leadingEpoch < 0 || this.#world.machine(name).isPaused) return;
    const count = this.#random.pick([1, 1, 3]);
    for (let index = 0; index < count; index += 1) {
      this.#valueCount += 1;
      const value = `v${this.#valueCount}`;
      if (node.propose(value, () => this.#checks.acked.add(value)))
        this.#world.note(name, `proposes ${value} at ${node.driver?.logEndOffset}`);
    }
  }

  /** Asks for kraft.version 1 until told that it is, and by chance of its own, so that the runs of others stay as they are. */
  #administrator(random = this.#world.random.fork("administrator")): void {
    this.#world.memory.time.after(4_000 * random.float(), () => {
      this.#upgrade();
      if (!this.#checks.upgraded) this.#administrator(random);
    });
  }

  #upgrade(): void {
    const leader = this.#leader();
    if (leader?.driver == null) return;
    const upgrade = { epoch: leader.leadingEpoch, kraftVersion: 1 };
    leader.driver
      .changeVoters((core, nowMs) => core.upgradeVersion(upgrade, nowMs))
      .then(({ errorCode }) => {
        this.#world.note(leader.options.name, `upgrade answered by ${errorCode}`);
        if (errorCode === 0) this.#checks.upgraded = true;
      });
  }

  get #isUpgradedEverywhere(): boolean {
    if (this.#nodes.size < this.#names.length) return false;
    return [...this.#nodes.values()].every(({ driver }) => driver?.hasCore === true && driver.kraftVersion === 1);
  }

  /** Whether voters can be changed, and every node that will ever vote knows it: one that does not is not protected from disks that were replaced. */
  get #hasDynamicVoters(): boolean {
    return this.#shape.isDynamic || this.#isUpgradedEverywhere;
  }

  // Faults

  #scheduleFault(): void {
    const waitMs = -Math.log(1 - this.#random.float()) * this.#shape.faultEveryMs;
    this.#world.memory.time.after(waitMs, () => {
      if (!this.#isChaos) return;
      this.#fault();
      this.#scheduleFault();
    });
  }

  #fault(): void {
    const random = this.#random;
    const name = random.pick(this.#names);
    const other = random.pick(this.#names);
    const machine = this.#world.machine(name);
    const kind = random.pick(FAULTS);
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1);
    this.#world.note("world", `${kind} ${name} ${other}`);
    switch (kind) {
      case "kill":
      case "power":
      case "silence":
        this.#end(name, kind);
        this.#later(random.pick([5, 100, 1000, 4000]), () => this.#start(name));
        break;
      case "stop":
        this.#stop(name);
        break;
      case "powerAll":
        for (const each of this.#names) this.#end(each, "power");
        for (const each of this.#names) this.#later(1000, () => this.#start(each));
        break;
      case "cut":
        this.#world.cut(name, other, random.pick(["one", "both"]));
        break;
      case "isolate":
        for (const each of this.#names) if (each !== name) this.#world.cut(name, each, "both");
        break;
      case "slow":
        this.#world.slow(name, other, random.pick([20, 200, 1500]));
        break;
      case "heal":
        this.#world.heal();
        break;
      case "reset":
        this.#world.memory.fabric.reset(name, other);
        break;
      case "pause":
        if (!machine.isRunning) break;
        machine.pause();
        this.#later(random.pick([50, 300, 1200, 5000]), () => machine.resume());
        break;
      case "clock":
        machine.clockOffsetMs += random.pick([-3_600_000, -500, 500, 86_400_000]);
        break;
      case "slowDisk":
        machine.syncMs = random.pick([0.2, 2, 30, 600]);
        break;
      case "fullDisk":
        this.#fillDisk(machine);
        break;
      case "resign": {
        const node = this.#nodes.get(name);
        if (node?.driver !== null && node?.driver !== undefined) node.driver.resign(node.leadingEpoch, "told to");
        break;
      }
      case "loseDisk":
        this.#loseDisk(name);
        break;
      case "removeVoter":
        this.#removeVoter(name);
        break;
    }
  }

  #later(meanMs: number, act: () => void): void {
    this.#world.memory.time.after(meanMs * (0.5 + this.#random.float()), act);
  }

  #stop(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined || this.#world.machine(name).isPaused) return;
    this.#world.note(name, "stops");
    node.stop().then(() => {
      if (this.#nodes.get(name) === node) this.#end(name, "kill");
    });
    this.#later(3000, () => {
      this.#end(name, "kill");
      this.#start(name);
    });
  }

  #fillDisk(machine: Machine): void {
    if (this.#full.has(machine.name)) return;
    const { disk } = machine;
    this.#full.add(machine.name);
    const path = this.#random.pick([".log", "quorum-state", "__cluster_metadata"]);
    const empty = disk.addFault({ operation: "writev", path, code: "ENOSPC" });
    this.#later(1500, () => {
      empty();
      this.#full.delete(machine.name);
    });
  }

  /** One at a time, and only what the others hold too: a majority is to survive. */
  #loseDisk(name: string): void {
    if (!this.#hasDynamicVoters || this.#controllerNames.length < 3 || !this.#controllerNames.includes(name)) return;
    if (this.#leader()?.options.name === name || !this.#isQuorumWhole()) return;
    this.#end(name, "power");
    this.#directoryIds.set(name, this.#newDirectoryId());
    const machine = this.#world.machine(name);
    machine.replaceDisk();
    formatDisk(machine.boot(), null, this.#shape.isDynamic ? 1 : 0);
    machine.end("kill");
    this.#full.delete(name);
    this.#world.note(name, "has a new disk");
    this.#later(100, () => this.#start(name));
  }

  /** Whether all controllers vote, by every running node's account, and that is committed: only then may one be taken away. */
  #isQuorumWhole(): boolean {
    if (this.#leader() === null) return false;
    return [...this.#nodes.values()].every(({ driver }) => {
      if (driver === null || !driver.hasCore || driver.votersOffset >= driver.highWatermark) return false;
      return this.#controllerNames.every(name =>
        driver.voterSet.has({ id: idOf(name), directoryId: this.#directoryIds.get(name) as string }),
      );
    });
  }

  #removeVoter(name: string): void {
    const leader = this.#leader();
    if (leader === null || !this.#hasDynamicVoters || leader.driver === null || !this.#isQuorumWhole()) return;
    const key = { id: idOf(name), directoryId: this.#directoryIds.get(name) as string };
    leader.driver
      .changeVoters((core, nowMs) => core.removeVoter(key, nowMs))
      .then(({ errorCode }) => {
        this.#world.note(leader.options.name, `removal of ${name} answered by ${errorCode}`);
      });
  }

  #leader(): QuorumNode | null {
    for (const node of this.#nodes.values()) {
      if (node.leadingEpoch >= 0 && !this.#world.machine(node.options.name).isPaused) return node;
    }
    return null;
  }

  #newDirectoryId(): string {
    this.#directoryCount += 1;
    // The last of 22 letters carries two bits only.
    return `directory${String(this.#directoryCount).padStart(12, "0")}A`;
  }

  // The end

  async #heal(): Promise<void> {
    this.#isChaos = false;
    this.#world.note("world", "heals");
    this.#world.heal();
    for (const name of this.#names) {
      const machine = this.#world.machine(name);
      machine.resume();
      machine.disk.clearFaults();
      machine.syncMs = 2;
      this.#start(name);
    }
    this.#full.clear();
    const startMs = this.#world.nowMs;
    // Processes told to stop before may still have to come back.
    const isLed = await this.#world.run(
      LEADER_LIMIT_MS + 5_000,
      () => this.#check() || (this.#leader() !== null && this.#newestCommits()),
    );
    if (!isLed)
      throw new InvariantError(`nobody leads ${LEADER_LIMIT_MS} ms after all was healed: ${this.#describe()}`);
    const isConverged = await this.#world.run(CONVERGENCE_LIMIT_MS, () => this.#check() || this.#hasConverged());
    if (!isConverged) throw new InvariantError(`no convergence in ${CONVERGENCE_LIMIT_MS} ms: ${this.#describe()}`);
    this.#checks.checkAcked();
    this.#world.note("world", `converged after ${(this.#world.nowMs - startMs).toFixed(0)} ms`);
  }

  #newestCommits(): boolean {
    const leader = this.#leader();
    return (
      leader?.driver != null &&
      leader.driver.highWatermark > (leader.driver.core.leadership?.epochStartOffset ?? Infinity)
    );
  }

  #hasConverged(): boolean {
    const leader = this.#leader();
    if (leader?.driver == null || this.#nodes.size < this.#names.length) return false;
    const { voterSet: voters, leaderAndEpoch } = leader.driver;
    const allVote = this.#controllerNames.every(name =>
      voters.has({ id: idOf(name), directoryId: this.#directoryIds.get(name) as string }),
    );
    if (!allVote) return false;
    if (this.#shape.isUpgraded && !this.#isUpgradedEverywhere && !this.#shape.isDynamic) return false;
    return [...this.#nodes.values()].every(node => {
      if (node.driver === null || !node.driver.hasCore) return false;
      const known = node.driver.leaderAndEpoch;
      const isCurrent = known.epoch === leaderAndEpoch.epoch && known.leaderId === leaderAndEpoch.leaderId;
      return isCurrent && leader.appliedEndOffset - node.appliedEndOffset <= 6 && node.appliedEndOffset > 0;
    });
  }

  #describe(): string {
    return this.#names
      .map(name => {
        const node = this.#nodes.get(name);
        const driver = node?.driver;
        if (node === undefined || driver == null || !driver.hasCore) return `${name} is down`;
        const { epoch, role } = driver.core;
        return `${name} ${role} e${epoch} ${node.appliedEndOffset}/${driver.logEndOffset} voters ${driver.voterSet.ids}`;
      })
      .join("; ");
  }
}

const FAULTS = [
  "kill",
  "kill",
  "power",
  "power",
  "silence",
  "stop",
  "powerAll",
  "cut",
  "cut",
  "isolate",
  "slow",
  "heal",
  "heal",
  "heal",
  "reset",
  "pause",
  "pause",
  "clock",
  "slowDisk",
  "fullDisk",
  "resign",
  "loseDisk",
  "removeVoter",
] as const;

function idOf(name: string): number {
  return Number(name.slice(1));
}
