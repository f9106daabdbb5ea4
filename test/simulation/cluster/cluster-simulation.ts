/**
 * A cluster of brokers under faults, with clients at work, then healed: what is behind `npm run simulate`.
 *
 * ```ts
 * const run = await runCluster({ seed: 7 });
 * run.hash     // the same for the same seed
 * run.failure  // null when every invariant held
 * ```
 */
import type { SeededRandom } from "../../../src/platform/memory.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import { QuorumChecks } from "../quorum/quorum-checks.ts";
import type { SimulationRun } from "../simulation-run.ts";
import { InvariantError, World } from "../world.ts";
import { Ambushes } from "./ambushes.ts";
import { BOUNDED_SETTINGS, BoundsChecks } from "./bounds-checks.ts";
import { BrokerProcess, CLIENT_PORT, type NodeRole } from "./broker-process.ts";
import type { SimProducer } from "./clients/sim-producer.ts";
import { ClusterClients } from "./cluster-clients.ts";
import { Convergence } from "./convergence.ts";
import { Faults } from "./faults.ts";
import { checkReplicas } from "./final-checks.ts";
import { History } from "./history.ts";
import { IsrChecks } from "./isr-checks.ts";
import { PartitionChecks } from "./partition-checks.ts";
import { type Scenario, scenarioNamed, scenarios } from "./scenarios.ts";

export interface ClusterRunOptions {
  readonly seed: number | string;
  /** Name of one; otherwise the seed chooses. */
  readonly scenario?: string;
  readonly keepsTrace?: boolean;
}

const LEADER_LIMIT_MS = 10_000;
const CONVERGENCE_LIMIT_MS = 60_000;
/** Several times what any run needs. */
const EVENT_LIMIT = 150_000;
const ALL_LOOKED_AT_EVERY = 100;
/** Clients may be waiting for answers and backing off when the world heals. */
const GRACE_MS = 5_000;

export async function runCluster(options: ClusterRunOptions): Promise<SimulationRun> {
  const simulation = new ClusterSimulation(options);
  const unhandled = (error: unknown): void => simulation.fail(error as Error);
  process.on("unhandledRejection", unhandled);
  try {
    return await simulation.run();
  } finally {
    process.off("unhandledRejection", unhandled);
  }
}

export class ClusterSimulation {
  readonly scenario: Scenario;
  readonly world: World;
  readonly random: SeededRandom;
  /** All nodes; those that are brokers come first. */
  readonly names: readonly string[];
  readonly brokerNames: readonly string[];
  readonly clientNames = ["c1", "c2", "c3", "c4", "c5"];
  readonly processes = new Map<string, BrokerProcess>();
  readonly history = new History();
  readonly #running: BrokerProcess[] = [];
  readonly #platforms = new Map<string, Platform>();
  readonly #settings: Readonly<Record<string, string>>;
  readonly #quorumChecks = new QuorumChecks();
  readonly #partitionChecks = new PartitionChecks(this.history);
  readonly #isrChecks: IsrChecks;
  readonly #boundsChecks: BoundsChecks;
  readonly #clients: ClusterClients;
  readonly #faults: Faults;
  readonly #ambushes: Ambushes;
  readonly #convergence: Convergence;
  readonly #touched: BrokerProcess[] = [];
  #forwardingLostCount = 0;
  #failure: Error | null = null;

  constructor(options: ClusterRunOptions) {
    const shape = new World({ seed: `cluster ${options.seed}`, machineNames: [] }).random;
    this.scenario = options.scenario === undefined ? shape.pick(scenarios) : scenarioNamed(options.scenario);
    const brokerCount = shape.pick(this.scenario.brokerCounts);
    const nodeCount = brokerCount + (this.scenario.controllerCount ?? 0);
    this.names = Array.from({ length: nodeCount }, (_, index) => `n${index + 1}`);
    this.brokerNames = this.names.slice(0, brokerCount);
    this.world = new World({
      seed: `cluster ${options.seed}`,
      machineNames: [...this.names, ...this.clientNames],
      keepsTrace: options.keepsTrace ?? false,
    });
    this.random = this.world.random.fork("chaos");
    const fetchSessionSlots = shape.pick([3, 1_000]);
    this.#boundsChecks = new BoundsChecks({ fetchSessionSlots });
    this.#settings = {
      ...SMALL_SETTINGS,
      ...BOUNDED_SETTINGS,
      "max.incremental.fetch.session.cache.slots": String(fetchSessionSlots),
      ...(nodeCount > 1 ? { "samsa.peers": this.names.map(name => `${name}:${CLIENT_PORT}`).join(",") } : {}),
      "metadata.log.max.record.bytes.between.snapshots": String(shape.pick([3_000, 30_000, 20_971_520])),
      "log.flush.offset.checkpoint.interval.ms": String(shape.pick([200, 2_000, 60_000])),
      "log.cleaner.enable": "false",
      ...this.scenario.settings,
    };
    this.#clients = new ClusterClients(this);
    this.#faults = new Faults(this);
    this.#ambushes = new Ambushes(this, this.scenario.ambushes ?? []);
    this.#convergence = new Convergence(this);
    this.#isrChecks = new IsrChecks({ partitionChecks: this.#partitionChecks, observer: this.#ambushes });
  }

  async run(): Promise<SimulationRun> {
    try {
      this.world.note("world", `${this.scenario.name} ${JSON.stringify(this.#settings)}`);
      for (const name of this.names) this.start(name);
      await this.#clients.prepare(LEADER_LIMIT_MS);
      this.#clients.start();
      this.#faults.start();
      this.#ambushes.isArmed = true;
      await this.runFor(this.scenario.chaosMs);
      await this.#heal();
    } catch (error) {
      this.#failure ??= error as Error;
    }
    const { history } = this;
    if (this.#failure !== null) this.world.note("world", `FAILED ${this.#failure.message}`);
    return {
      name: this.scenario.name,
      hash: this.world.trace.hash,
      eventCount: this.world.eventCount,
      faults: new Map([...this.#faults.counts, ...this.#ambushes.counts]),
      counts: {
        elections: this.#quorumChecks.electionCount,
        leaders: this.#partitionChecks.electionCount,
        acked: history.ackedCount,
        read: history.readCount,
        commits: history.commitCount,
        deeds: history.adminCount,
        forgotten: history.forgottenCount,
      },
      trace: this.world.trace.lines,
      failure: this.#failure,
    };
  }

  /** The run ends with the next event. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  runFor(ms: number, isDone: () => boolean = () => false): Promise<boolean> {
    return this.world.run(ms, () => this.#check() || isDone());
  }

  start(name: string): void {
    const machine = this.world.machine(name);
    if (machine.isRunning) return;
    const process = new BrokerProcess(
      { name, nodeId: Number(name.slice(1)), role: this.#roleOf(name), settings: this.#settings },
      machine,
      {
        note: what => this.world.note(name, what),
        forwardingLost: () => {
          this.#forwardingLostCount += 1;
        },
        joined: who => this.#joined(who),
        ended: (who, error) => this.#ended(who, error),
      },
    );
    this.processes.set(name, process);
    this.#isrChecks.processStarts(process);
    this.#running.push(process);
    this.world.note(name, "starts");
    this.history.startCount += 1;
    process.start();
  }

  #roleOf(name: string): NodeRole {
    if (this.scenario.controllerCount === undefined) return "both";
    return this.brokerNames.includes(name) ? "broker" : "controller";
  }

  /** Ends a machine's process, as `how` says. */
  end(name: string, how: "kill" | "power" | "silence"): void {
    const machine = this.world.machine(name);
    if (!machine.isRunning) return;
    this.world.note(name, `ends: ${how}`);
    const process = this.processes.get(name);
    if (process !== undefined) {
      this.#quorumChecks.noteDurable(process);
      this.#partitionChecks.processEnds(process);
      this.processes.delete(name);
      this.#running.splice(this.#running.indexOf(process), 1);
    }
    machine.end(how);
  }

  /** Puts an empty disk into the place of a machine's own. */
  replaceDisk(name: string): void {
    this.end(name, "power");
    this.world.machine(name).replaceDisk();
    this.#partitionChecks.diskLost(name);
    this.#isrChecks.diskLost(Number(name.slice(1)));
    this.world.note(name, "has a new disk");
  }

  later(meanMs: number, act: () => void): void {
    this.world.memory.time.after(meanMs * (0.5 + this.random.float()), act);
  }

  /** Where the clients of a machine run. */
  platformOf(machine: string): Platform {
    let platform = this.#platforms.get(machine);
    if (platform === undefined) {
      platform = this.world.machine(machine).boot();
      this.#platforms.set(machine, platform);
    }
    return platform;
  }

  /**
   * Changes with all that lets a request for the controller be run twice: another is elected, or a broker loses its connection to it over a request.
   * Brokers then send the request again, as Kafka's do (`NodeToControllerRequestThread`).
   */
  get repeatCount(): number {
    return this.#quorumChecks.electionCount + this.#forwardingLostCount;
  }

  get producers(): readonly SimProducer[] {
    return this.#clients.producers;
  }

  /** Whether all run and hold everything, so that one of them can lose its disk and nothing else is lost. */
  mayLoseDisk(name: string): boolean {
    if (!this.#convergence.areAllLed() || this.names.some(each => this.world.machine(each).isPaused)) return false;
    const id = Number(name.slice(1));
    return this.#running.every(({ services, driver }) => {
      const topics = [...services!.metadata.image.topics.byId.values()];
      const areVoters = driver?.voterSet.size === this.names.length && driver.votersOffset < driver.highWatermark;
      const isSpare = topics.every(topic =>
        topic.partitions.every(({ replicas, isr }) => {
          return !replicas.includes(id) || (isr.length === replicas.length && isr.length > 1);
        }),
      );
      return areVoters && isSpare;
    });
  }

  /** All brokers that run. */
  get running(): readonly BrokerProcess[] {
    return this.#running;
  }

  #joined(who: BrokerProcess): void {
    who.driver?.subscribe({
      loadSnapshot: () => {},
      committed: batch => this.#guard(() => this.#quorumChecks.committed(who, batch, "")),
    });
  }

  /** A broker may give up when its disk fails; anything else is a fault of its own. */
  #ended(who: BrokerProcess, error: Error): void {
    const { name } = who.options;
    if (this.processes.get(name) !== who || who.isToldToStop) return;
    this.world.note(name, `gave up: ${error.message}`);
    if (!this.#faults.explains(name, error)) {
      this.fail(new InvariantError(`${name} gave up: ${error.stack ?? error.message}`));
      return;
    }
    // What a failed sync leaves in the page cache is on no disk: only a machine that starts anew shows that.
    this.world.memory.time.after(0, () => this.end(name, "power"));
    this.later(500, () => this.start(name));
  }

  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** After every event. */
  #check(): boolean {
    if (this.#failure === null) {
      this.#guard(() => {
        const touched = this.#takeTouched();
        // A sync that is done is on the disk before its machine's process has heard of all that follows.
        for (const process of this.#running) this.#quorumChecks.noteDurable(process);
        this.#quorumChecks.afterEvent(touched);
        this.#partitionChecks.afterEvent(touched, this.#running);
        this.#isrChecks.afterEvent(touched, this.#running);
        this.#boundsChecks.afterEvent(touched);
      });
    }
    if (this.world.eventCount > EVENT_LIMIT)
      this.fail(new InvariantError(`${EVENT_LIMIT} events: something goes round and round`));
    if (this.#failure !== null) throw this.#failure;
    return false;
  }

  /** Brokers that may have changed since the event before; now and then all, should one have changed without its machine's knowing. */
  #takeTouched(): readonly BrokerProcess[] {
    const areAllLookedAt = this.world.eventCount % ALL_LOOKED_AT_EVERY === 0;
    const touched = this.#touched;
    touched.length = 0;
    for (const process of this.#running) {
      const { machine } = process;
      if (machine.isTouched || areAllLookedAt) touched.push(process);
      machine.isTouched = false;
    }
    return touched;
  }

  async #heal(): Promise<void> {
    this.#faults.stop();
    this.#ambushes.isArmed = false;
    this.#clients.finish();
    await this.#converge("after all was healed");
    if (this.scenario.endsInPowerLoss !== true) return;
    for (const name of this.names) this.end(name, "power");
    await this.#converge("after power was lost everywhere");
  }

  async #converge(when: string): Promise<void> {
    this.world.note("world", `heals, ${when}`);
    this.#faults.healAll();
    for (const name of this.names) this.start(name);
    const startMs = this.world.nowMs;
    const isLed = await this.runFor(LEADER_LIMIT_MS + GRACE_MS, () => this.#convergence.areAllLed());
    if (!isLed)
      throw new InvariantError(
        `partitions without a leader ${LEADER_LIMIT_MS} ms ${when}: ${this.#convergence.describe()}`,
      );
    await this.#clients.verify(CONVERGENCE_LIMIT_MS, when);
    const isConverged = await this.runFor(CONVERGENCE_LIMIT_MS, () => this.#convergence.haveConverged());
    if (!isConverged)
      throw new InvariantError(`no convergence in ${CONVERGENCE_LIMIT_MS} ms ${when}: ${this.#convergence.describe()}`);
    await this.#clients.verifyTopics(CONVERGENCE_LIMIT_MS, when);
    this.#boundsChecks.checkRest(this.#running);
    this.#partitionChecks.checkImages(this.#running);
    checkReplicas(
      this.#running.filter(({ services }) => services !== null),
      this.history,
    );
    this.world.note("world", `converged after ${(this.world.nowMs - startMs).toFixed(0)} ms`);
  }
}

/** Small enough for thousands of runs. */
const SMALL_SETTINGS: Readonly<Record<string, string>> = {
  "broker.session.timeout.ms": "3000",
  "broker.heartbeat.interval.ms": "500",
  "log.index.size.max.bytes": "2048",
  "offsets.topic.num.partitions": "2",
  "samsa.log.disk.reserve.bytes": "0",
  "samsa.log.disk.reserve.ratio": "0",
  "log.segment.delete.delay.ms": "500",
  "group.initial.rebalance.delay.ms": "0",
  // Time passes faster than requests come: the runs would be of little else.
  "metadata.max.idle.interval.ms": "0",
};
