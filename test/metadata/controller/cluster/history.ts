/**
 * A random life of a cluster of three to five brokers, as its controller sees it: processes start, stop, die, fall silent and come back, with their
 * disks or without; leaders report who is in sync, in time and too late; operators move replicas, elect, and change settings; controllers change in
 * between. Beside it stands what the brokers' logs would hold: who has everything that was ever acknowledged.
 */
import type { AlterPartition } from "../../../../protocol/apis/56-alter-partition.ts";
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { RequestOf } from "../../../../protocol/schema.ts";
import { alterPartition } from "../../../../src/metadata/controller/alter-partition.ts";
import {
  directoriesStep,
  electStep,
  evictStep,
  fenceStep,
  reconcileStep,
  unregisterStep,
} from "../../../../src/metadata/controller/broker-steps.ts";
import { checkRegistrable, registerBroker } from "../../../../src/metadata/controller/brokers.ts";
import { incrementalAlterConfigs } from "../../../../src/metadata/controller/configs.ts";
import { brokerHeartbeat, continuationOf } from "../../../../src/metadata/controller/heartbeats.ts";
import { balanceLeaders } from "../../../../src/metadata/controller/leader-balance.ts";
import { electLeadersOperation } from "../../../../src/metadata/controller/leader-elections.ts";
import type { Step } from "../../../../src/metadata/controller/memberships.ts";
import type { Operation } from "../../../../src/metadata/controller/operation.ts";
import { createPartitions } from "../../../../src/metadata/controller/partitions.ts";
import { alterPartitionReassignments, completeMoves } from "../../../../src/metadata/controller/reassignments.ts";
import { assignReplicasToDirs } from "../../../../src/metadata/controller/replica-directories.ts";
import { createTopics } from "../../../../src/metadata/controller/topic-creation.ts";
import { deleteTopics } from "../../../../src/metadata/controller/topic-deletion.ts";
import { TopicSettings } from "../../../../src/metadata/controller/topic-settings.ts";
import { type PartitionImage, RECOVERING, type TopicImage } from "../../../../src/metadata/topics-image.ts";
import { SeededRandom } from "../../../../src/platform/memory-random.ts";
import { CLUSTER_ID, registration, uuidOf } from "../../support/controller-fixture.ts";
import { checkSettled, Invariants } from "./invariants.ts";
import { type Machine, steps, type Task } from "./processes.ts";
import { config, DecidedState } from "./state.ts";

type Proposal = RequestOf<typeof AlterPartition>;

const STEPS = 60;
const TOPICS = ["a", "b", "c"];

export class History {
  readonly #random: SeededRandom;
  readonly #state: DecidedState;
  readonly #machines: Machine[];
  /** Brokers whose session lasts. */
  readonly #live = new Set<number>();
  #tasks: Task[] = [];
  /** Who holds all that was acknowledged, by partition. */
  readonly #holders = new Map<string, Set<number>>();
  /** What leaders have said, and may be heard saying again. */
  readonly #past: Proposal[] = [];
  readonly #modules: { config: typeof config; partitionsPerStep: number; isYoungMove: () => boolean };
  readonly #trace: string[] = [];
  #uuids = 10_000;
  #evicted = -1;
  #isUncleanByHand = false;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    const isYoungMove = () => this.#random.integer(4) === 0;
    this.#modules = { config, partitionsPerStep: 1 + this.#random.integer(3), isYoungMove };
    const invariants = new Invariants({
      holdsAll: (topicId, partition, brokerId) => this.#holdsAll(topicId, partition, brokerId),
      mayElectUncleanly: topic => this.#isUncleanByHand || this.#settings().allowsUncleanElection(topic.name),
      isEvicted: brokerId => brokerId === this.#evicted,
      minIsr: (topic, partition) => this.#minIsr(topic, partition),
    });
    this.#state = new DecidedState((before, after, records) => {
      invariants.check(before, after, records);
      this.#follow();
    });
    this.#machines = Array.from({ length: 3 + this.#random.integer(3) }, (_, id) => ({
      id,
      isUp: true,
      epoch: -1,
      pastEpochs: [],
      incarnation: this.#uuid(),
      dirs: id === 0 ? [uuidOf(this.#uuid()), uuidOf(this.#uuid())] : [uuidOf(this.#uuid())],
      offline: [],
      cleanEpoch: -1,
      isStopping: false,
      isRegistering: false,
    }));
  }

  /** Throws with the trace when something does not hold. */
  run(): void {
    try {
      for (const machine of this.#machines) this.#bringUp(machine);
      this.#createTopic();
      for (let step = 0; step < STEPS; step += 1) this.#act();
      this.#settle();
    } catch (error) {
      throw new Error(`${(error as Error).message}\nafter ${this.#trace.join(" ")}`, { cause: error });
    }
  }

  #act(): void {
    const actions: readonly [weight: number, name: string, action: () => void][] = [
      [12, "task", () => this.#advanceTask()],
      [10, "alter", () => this.#alter()],
      [8, "commit", () => this.#commit()],
      [6, "beat", () => this.#beat(this.#pick(this.#machines))],
      [4, "expire", () => this.#expire(this.#pick(this.#machines))],
      [4, "start", () => this.#start(this.#pick(this.#machines))],
      [4, "register", () => this.#register(this.#pick(this.#machines))],
      [3, "kill", () => this.#kill(this.#pick(this.#machines), -1)],
      [3, "reassign", () => this.#reassign()],
      [2, "stop", () => this.#stop(this.#pick(this.#machines))],
      [2, "elect", () => this.#elect()],
      [2, "settings", () => this.#changeSettings()],
      [2, "controller", () => this.#changeController()],
      [1, "balance", () => this.#state.run(balanceLeaders(this.#modules))],
      [1, "moves", () => this.#state.run(completeMoves(this.#modules))],
      [1, "create", () => this.#createTopic()],
      [1, "grow", () => this.#grow()],
      [1, "delete", () => this.#deleteTopic()],
      [1, "unregister", () => this.#unregister(this.#pick(this.#machines))],
      [1, "assign", () => this.#assignDirectory(this.#machines[0] as Machine)],
      [1, "fail-disk", () => this.#failDirectory(this.#machines[0] as Machine)],
    ];
    let chance = this.#random.integer(actions.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, name, action] of actions) {
      chance -= weight;
      if (chance >= 0) continue;
      this.#trace.push(name);
      action();
      return;
    }
  }

  // Processes

  #start(machine: Machine): void {
    if (machine.isUp) return;
    // Of a machine with several directories the controller may not know yet which replica was where.
    const losesDisk = this.#random.integer(5) === 0 && machine.id !== 0;
    const isClean = machine.cleanEpoch >= 0;
    const settings = this.#settings();
    for (const { topic, partition } of this.#partitions()) {
      const isLost = losesDisk || (!isClean && settings.isWriteCached(topic.name));
      if (isLost) this.#holders.get(keyOf(topic.id, partition.partition))?.delete(machine.id);
    }
    if (losesDisk) {
      machine.dirs = [uuidOf(this.#uuid())];
      machine.cleanEpoch = -1;
    }
    machine.isUp = true;
    machine.isStopping = false;
    machine.isRegistering = false;
    if (machine.epoch >= 0) machine.pastEpochs.push(machine.epoch);
    machine.epoch = -1;
    machine.incarnation = this.#uuid();
    machine.dirs = [...machine.dirs, ...machine.offline];
    machine.offline = [];
    this.#trace.push(`(${machine.id}${losesDisk ? ", blank" : isClean ? ", clean" : ""})`);
  }

  #kill(machine: Machine, cleanEpoch: number): void {
    machine.isUp = false;
    machine.isRegistering = false;
    machine.cleanEpoch = cleanEpoch;
  }

  #stop(machine: Machine): void {
    machine.isStopping = machine.isUp && machine.epoch >= 0;
    this.#beat(machine);
  }

  /** The broker is not heard of any more, dead or not. */
  #expire({ id }: Machine): void {
    const broker = this.#state.image.cluster.brokers.get(id);
    this.#live.delete(id);
    if (broker === undefined || broker.fenced) return;
    const fence = fenceStep({ brokerId: id, brokerEpoch: broker.epoch }, this.#modules);
    this.#tasks.push(steps(fence, reconcileStep(id, this.#modules)));
    this.#trace.push(`(${id})`);
  }

  #register(machine: Machine): void {
    const known = this.#state.image.cluster.brokers.get(machine.id);
    if (!machine.isUp || machine.isRegistering || known?.epoch === machine.epoch) return;
    const request = {
      ...registration(machine.id),
      incarnationId: uuidOf(machine.incarnation),
      logDirs: [...machine.dirs],
      previousBrokerEpoch: machine.cleanEpoch,
    };
    const options = { clusterId: CLUSTER_ID, isRunning: ({ id }: { id: number }) => this.#live.has(id) };
    const isAnother = known !== undefined && known.incarnationId !== request.incarnationId;
    // Directories are locked: who has them now shows that the process before is gone.
    if (isAnother && !machine.dirs.some(id => known.logDirs.includes(id)) && this.#live.has(machine.id)) {
      this.#expectError(Errors.DUPLICATE_BROKER_REGISTRATION, checkRegistrable(request, options));
      return;
    }
    machine.isRegistering = true;
    this.#tasks.push(this.#registering(machine, request, options));
    this.#trace.push(`(${machine.id})`);
  }

  *#registering(
    machine: Machine,
    request: Parameters<typeof registerBroker>[0],
    options: Parameters<typeof registerBroker>[1],
  ): Task {
    const { id } = machine;
    const before = this.#state.image.cluster.brokers.get(id);
    if (before !== undefined && before.incarnationId !== request.incarnationId) {
      const fence = fenceStep({ brokerId: id, brokerEpoch: before.epoch }, this.#modules);
      yield* steps(fence, reconcileStep(id, this.#modules));
    }
    if (before?.incarnationId !== request.incarnationId) {
      const isClean = request.previousBrokerEpoch === before?.epoch;
      const evict = evictStep(id, { logDirs: request.logDirs, isClean }, this.#modules);
      yield* this.#evicting(id, evict);
    }
    const { brokerEpoch } = (yield registerBroker(request, options)) as { brokerEpoch: number };
    yield* steps(reconcileStep(id, this.#modules));
    // The process that asked may have gone before this task was first run.
    if (uuidOf(machine.incarnation) !== request.incarnationId) return;
    machine.epoch = brokerEpoch;
    machine.isRegistering = false;
  }

  *#evicting(id: number, evict: Operation<Step>): Task {
    let isLast = false;
    while (!isLast) {
      this.#evicted = id;
      ({ isLast } = (yield evict) as Step);
    }
  }

  #beat(machine: Machine): void {
    if (!machine.isUp || machine.epoch < 0) return;
    const { id, epoch } = machine;
    const request = {
      brokerId: id,
      brokerEpoch: epoch,
      currentMetadataOffset: this.#random.integer(4) === 0 ? epoch - 1 : this.#state.image.offset,
      wantFence: this.#random.integer(10) === 0,
      wantShutDown: machine.isStopping,
      offlineLogDirs: machine.offline,
      cordonedLogDirs: null,
    };
    const facts = { isKnownEverywhere: () => this.#random.integer(2) === 0 };
    const registered = this.#state.image.cluster.brokers.get(id);
    if (registered?.epoch !== epoch) {
      this.#expectError(Errors.STALE_BROKER_EPOCH, brokerHeartbeat(request, facts, this.#modules));
      return;
    }
    this.#live.add(id);
    if (machine.offline.some(dir => registered.logDirs.includes(dir))) {
      const first = directoriesStep(request, machine.offline, this.#modules);
      this.#tasks.push(steps(first, reconcileStep(id, this.#modules)));
      return;
    }
    const { transition, isLast, isFenced, shouldShutDown } = this.#state.run(
      brokerHeartbeat(request, facts, this.#modules),
    );
    this.#trace.push(`(${id} ${transition})`);
    if (!isLast) this.#tasks.push(steps(continuationOf(transition, id, this.#modules)));
    if (isFenced) this.#live.delete(id);
    if (shouldShutDown) this.#kill(machine, epoch);
  }

  #bringUp(machine: Machine): void {
    this.#register(machine);
    this.#finishTasks();
    for (let tries = 0; this.#isFenced(machine.id) && tries < 50; tries += 1) this.#beat(machine);
    this.#finishTasks();
  }

  #unregister({ id, isUp }: Machine): void {
    const broker = this.#state.image.cluster.brokers.get(id);
    if (isUp || broker === undefined || this.#live.has(id)) return;
    this.#tasks.push(steps(unregisterStep({ brokerId: id }, this.#modules)));
    this.#trace.push(`(${id})`);
  }

  #failDirectory(machine: Machine): void {
    if (!machine.isUp || machine.dirs.length < 2) return;
    machine.offline = machine.dirs.splice(this.#random.integer(2), 1);
  }

  #assignDirectory(machine: Machine): void {
    const found = this.#pickPartition();
    if (!this.#isInTouch(machine) || found === undefined || !found.partition.replicas.includes(machine.id)) return;
    const partitions = [{ partitionIndex: found.partition.partition }];
    const directories = [{ id: this.#pick(machine.dirs), topics: [{ topicId: found.topic.id, partitions }] }];
    this.#state.run(
      assignReplicasToDirs({ brokerId: machine.id, brokerEpoch: machine.epoch, directories }, this.#modules),
    );
  }

  // Leaders

  /** A leader says who is in sync; or says again what it said before; or somebody else does in its place. */
  #alter(): void {
    const proposal = this.#random.integer(4) === 0 && this.#past.length > 0 ? this.#pick(this.#past) : this.#propose();
    if (proposal === null) return;
    const { brokerId, brokerEpoch } = proposal;
    if (this.#state.image.cluster.brokers.get(brokerId)?.epoch !== brokerEpoch) {
      this.#expectError(Errors.STALE_BROKER_EPOCH, alterPartition(proposal, this.#modules));
      return;
    }
    const { errorCode, isr } = this.#state.run(alterPartition(proposal, this.#modules)).topics[0]!.partitions[0]!;
    if (errorCode === Errors.NONE) this.#past.push(proposal);
    const proposed = proposal.topics[0]!.partitions[0]!;
    const members = proposed.newIsrWithEpochs.map(member => member.brokerId);
    this.#trace.push(`(${proposed.partitionIndex} ${members} by ${brokerId}: ${errorCode} ${isr})`);
  }

  #propose(): Proposal | null {
    const found = this.#pickPartition();
    const leader = this.#machines[found?.partition.leader ?? -1];
    if (found === undefined || leader === undefined || !this.#isInTouch(leader)) return null;
    const { topic, partition } = found;
    const sender = this.#random.integer(15) === 0 ? this.#pick(this.#machines) : leader;
    const holders = this.#holders.get(keyOf(topic.id, partition.partition));
    const members: { brokerId: number; brokerEpoch: number }[] = [];
    for (const id of partition.replicas) {
      const machine = this.#machines[id] as Machine;
      const isStale = this.#random.integer(8) === 0;
      const isIn = partition.isr.includes(id);
      if (id !== leader.id && this.#random.integer(isIn ? 4 : 2) === 0) continue;
      // Who fetches as the process that is registered has caught up; a fetch of the process before says nothing of this one.
      if (!isIn && !isStale && this.#isInTouch(machine) && sender === leader) holders?.add(id);
      if (!isIn && !isStale && !holders?.has(id)) continue;
      const known = this.#state.image.cluster.brokers.get(id)?.epoch ?? 0;
      members.push({ brokerId: id, brokerEpoch: isStale ? (machine.pastEpochs.at(-1) ?? known - 1) : known });
    }
    const proposed = {
      partitionIndex: partition.partition,
      leaderEpoch: partition.leaderEpoch,
      newIsr: [],
      newIsrWithEpochs: this.#random.integer(4) === 0 ? members.slice(0, 1) : members,
      leaderRecoveryState: this.#random.integer(4) === 0 ? partition.leaderRecoveryState : 0,
      partitionEpoch: partition.partitionEpoch,
    };
    const topics = [{ topicId: topic.id, partitions: [proposed] }];
    return { brokerId: sender.id, brokerEpoch: sender.epoch, topics };
  }

  /** A leader acknowledges something: everybody in sync has it, and nobody else. */
  #commit(): void {
    const found = this.#pickPartition();
    if (found === undefined || found.partition.leader < 0) return;
    const { topic, partition } = found;
    const { isr } = partition;
    if (isr.length < this.#minIsr(topic, partition)) return;
    if (!isr.every(id => this.#isInTouch(this.#machines[id] as Machine))) return;
    this.#holders.set(keyOf(topic.id, partition.partition), new Set(isr));
    this.#trace.push(`(${topic.name}-${partition.partition})`);
  }

  // Operators

  #createTopic(): void {
    const name = this.#pick(TOPICS);
    const isManual = this.#random.integer(2) === 0;
    const factor = 1 + this.#random.integer(3);
    const assignments = [0, 1].map(partitionIndex => ({ partitionIndex, brokerIds: this.#someBrokers(factor) }));
    const value = String(this.#random.integer(4) === 0);
    const request = {
      topics: [
        {
          name,
          numPartitions: isManual ? -1 : 2,
          replicationFactor: isManual ? -1 : factor,
          assignments: isManual ? assignments : [],
          configs: [{ name: "write.caching", value }],
        },
      ],
      timeoutMs: 0,
      validateOnly: false,
    };
    const chance = { topicIds: [uuidOf(this.#uuid())], start: this.#random.integer(100) };
    this.#state.run(createTopics(request, chance, this.#modules));
  }

  #deleteTopic(): void {
    if (this.#random.integer(3) > 0) return;
    const topics = [{ name: this.#pick(TOPICS), topicId: "AAAAAAAAAAAAAAAAAAAAAA" }];
    this.#state.run(deleteTopics(topics, this.#modules));
  }

  #grow(): void {
    const topics = [{ name: this.#pick(TOPICS), count: 3, assignments: null }];
    const request = { topics, timeoutMs: 0, validateOnly: false };
    this.#state.run(createPartitions(request, this.#random.integer(100), this.#modules));
  }

  #reassign(): void {
    const found = this.#pickPartition();
    if (found === undefined) return;
    const { topic, partition } = found;
    const isCancel = partition.addingReplicas.length + partition.removingReplicas.length > 0 && this.#coin();
    const replicas = isCancel ? null : this.#someBrokers(1 + this.#random.integer(3));
    const partitions = [{ partitionIndex: partition.partition, replicas }];
    const request = {
      timeoutMs: 0,
      allowReplicationFactorChange: this.#coin(),
      topics: [{ name: topic.name, partitions }],
    };
    const { responses } = this.#state.run(alterPartitionReassignments(request, this.#modules));
    this.#trace.push(`(${topic.name}-${partition.partition} ${replicas} ${responses[0]?.partitions[0]?.errorCode})`);
  }

  #elect(): void {
    const electionType = this.#random.integer(3) === 0 ? 1 : 0;
    this.#isUncleanByHand = electionType === 1;
    const found = this.#pickPartition();
    const one = found && [{ topic: found.topic.name, partitions: [found.partition.partition] }];
    const topicPartitions = this.#random.integer(4) === 0 ? null : (one ?? null);
    this.#state.run(electLeadersOperation({ electionType, topicPartitions, timeoutMs: 0 }, this.#modules));
    this.#isUncleanByHand = false;
  }

  #changeSettings(): void {
    const found = this.#pickPartition();
    if (found === undefined) return;
    const isUnclean = this.#random.integer(3) === 0;
    const change = isUnclean
      ? { name: "unclean.leader.election.enable", value: String(this.#coin()) }
      : { name: "min.insync.replicas", value: String(1 + this.#random.integer(3)) };
    const configs = [{ ...change, configOperation: this.#random.integer(3) === 0 ? 1 : 0 }];
    const resources = [{ resourceType: 2, resourceName: found.topic.name, configs }];
    this.#state.run(incrementalAlterConfigs({ resources, validateOnly: false }, this.#modules));
    if (isUnclean) this.#tasks.push(steps(electStep(this.#modules)));
    this.#trace.push(`(${change.name} ${change.value})`);
  }

  // The controller

  #changeController(): void {
    this.#tasks = [];
    for (const machine of this.#machines) machine.isRegistering = false;
    this.#state.changeController();
    this.#live.clear();
    for (const { id, fenced } of this.#state.image.cluster.brokers.values()) {
      if (!fenced) this.#live.add(id);
      this.#tasks.push(steps(reconcileStep(id, this.#modules)));
    }
    this.#tasks.push(steps(electStep(this.#modules)));
  }

  #advanceTask(): void {
    if (this.#tasks.length === 0) return;
    const task = this.#pick(this.#tasks);
    this.#resume(task);
  }

  #finishTasks(): void {
    for (let turn = 0; this.#tasks.length > 0; turn += 1) {
      if (turn > 10_000) throw new Error("the work does not come to an end");
      this.#resume(this.#tasks[0] as Task);
    }
  }

  readonly #answers = new Map<Task, unknown>();

  #resume(task: Task): void {
    this.#evicted = -1;
    const next = task.next(this.#answers.get(task) as never);
    if (next.done === true) {
      this.#tasks.splice(this.#tasks.indexOf(task), 1);
      this.#answers.delete(task);
      return;
    }
    try {
      this.#answers.set(task, this.#state.run(next.value));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // The session was taken up again: whoever asked is told, and asks once more.
      this.#tasks.splice(this.#tasks.indexOf(task), 1);
      for (const machine of this.#machines) machine.isRegistering = false;
    } finally {
      this.#evicted = -1;
    }
  }

  /** Everything heals: who is dead is found to be, who lives is let in, and all work is done. */
  #settle(): void {
    this.#trace.push("settle");
    this.#finishTasks();
    for (const machine of this.#machines) {
      if (this.#isInTouch(machine) && !machine.isStopping) continue;
      this.#expire(machine);
      this.#finishTasks();
      if (machine.isStopping) this.#kill(machine, -1);
    }
    for (const machine of this.#machines) if (machine.isUp) this.#bringUp(machine);
    this.#tasks.push(steps(electStep(this.#modules)));
    this.#finishTasks();
    checkSettled(this.#state.image);
    this.#state.changeController();
  }

  // What is known

  #holdsAll(topicId: string, partition: number, brokerId: number): boolean {
    const machine = this.#machines[brokerId];
    // A leader that has died, and is not known to have, serves nobody: what its disk became does not matter before it is registered again.
    if (machine === undefined || !this.#isInTouch(machine)) return true;
    return this.#holders.get(keyOf(topicId, partition))?.has(brokerId) ?? true;
  }

  /** The process is the one that the controller knows. */
  #isInTouch({ id, isUp, epoch }: Machine): boolean {
    return isUp && epoch >= 0 && this.#state.image.cluster.brokers.get(id)?.epoch === epoch;
  }

  /** New partitions are empty, so that everybody holds all; an unclean leader's log is what counts from then on. */
  #follow(): void {
    for (const { topic, partition } of this.#partitions()) {
      const key = keyOf(topic.id, partition.partition);
      const holders = this.#holders.get(key);
      if (holders === undefined) this.#holders.set(key, new Set(partition.replicas));
      else if (partition.leader >= 0 && !holders.has(partition.leader)) {
        const isUnclean = partition.leaderRecoveryState === RECOVERING || partition.replicas.length === 1;
        if (isUnclean) this.#holders.set(key, new Set([partition.leader]));
      } else for (const id of holders) if (!partition.replicas.includes(id)) holders.delete(id);
    }
  }

  *#partitions(): Generator<{ topic: TopicImage; partition: PartitionImage }> {
    for (const topic of this.#state.image.topics.byId.values()) {
      for (const partition of topic.partitions) yield { topic, partition };
    }
  }

  #settings(): TopicSettings {
    return new TopicSettings(this.#state.image, config);
  }

  #minIsr(topic: TopicImage, partition: PartitionImage): number {
    const factor = partition.replicas.length - partition.addingReplicas.length;
    return Math.min(this.#settings().minIsr(topic.name, factor), factor);
  }

  #isFenced(id: number): boolean {
    return this.#state.image.cluster.brokers.get(id)?.fenced ?? true;
  }

  #expectError(expected: number, operation: Operation<unknown>): void {
    try {
      this.#state.run(operation);
    } catch (error) {
      if (error instanceof ApiError && error.code === expected) return;
      throw error;
    }
    throw new Error(`${operation.name} is not refused`);
  }

  // Chance

  #pickPartition(): { topic: TopicImage; partition: PartitionImage } | undefined {
    const all = [...this.#partitions()];
    return all.length === 0 ? undefined : this.#pick(all);
  }

  #someBrokers(count: number): number[] {
    const ids = this.#machines.map(({ id }) => id);
    return Array.from(
      { length: Math.min(count, ids.length) },
      () => ids.splice(this.#random.integer(ids.length), 1)[0]!,
    );
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.integer(items.length)] as T;
  }

  #coin(): boolean {
    return this.#random.integer(2) === 0;
  }

  #uuid(): number {
    this.#uuids += 1;
    return this.#uuids;
  }
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId}:${partition}`;
}
