/**
 * An administrator: creates and deletes topics, changes settings, deletes records, elects leaders, moves replicas; one request at a time.
 *
 * What was acknowledged must hold at the end, see {@link SimAdmin.checkTopics}; what had no answer may or may not.
 */
import { CreateTopics } from "../../../../protocol/apis/19-create-topics.ts";
import { DeleteTopics } from "../../../../protocol/apis/20-delete-topics.ts";
import { DeleteRecords } from "../../../../protocol/apis/21-delete-records.ts";
import { ElectLeaders } from "../../../../protocol/apis/43-elect-leaders.ts";
import { IncrementalAlterConfigs } from "../../../../protocol/apis/44-incremental-alter-configs.ts";
import { AlterPartitionReassignments } from "../../../../protocol/apis/45-alter-partition-reassignments.ts";
import { Errors, errorName } from "../../../../protocol/errors.ts";
import { ZERO_UUID } from "../../../../protocol/schema.ts";
import { ConfigResourceType } from "../../../../src/config/index.ts";
import { RpcError } from "../../../../src/rpc/index.ts";
import { InvariantError } from "../../world.ts";
import { type History, keyOf } from "../history.ts";
import type { SimClient } from "./sim-client.ts";

export type AdminDeed = "create" | "delete" | "configs" | "deleteRecords" | "elect" | "reassign" | "cancel";

export interface SimAdminOptions {
  /** What it does, each as often as it stands here. */
  readonly deeds: readonly AdminDeed[];
  readonly everyMs: number;
  /** Topics with records to be checked: not deleted. */
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: number;
    readonly replicationFactor: number;
  }[];
  readonly brokerIds: readonly number[];
  /** Changes whenever requests that are under way may be run twice, as in Kafka: what is answered then says nothing of what was before. */
  readonly repeatCount: () => number;
}

const CHURN_NAMES = ["come", "go", "stay"];
const SET = 0;

/** Where these come, nothing is known of what was asked for. */
const UNKNOWN_OUTCOME = new Set<number>([
  Errors.REQUEST_TIMED_OUT,
  Errors.NOT_CONTROLLER,
  Errors.UNKNOWN_SERVER_ERROR,
  Errors.BROKER_NOT_AVAILABLE,
  Errors.NETWORK_EXCEPTION,
  Errors.KAFKA_STORAGE_ERROR,
]);

/** Refusals that faults bring with them. */
const REFUSALS = new Set<number>([
  Errors.TOPIC_ALREADY_EXISTS,
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.UNKNOWN_TOPIC_ID,
  Errors.INVALID_REPLICATION_FACTOR,
  Errors.INVALID_REPLICA_ASSIGNMENT,
  Errors.NOT_LEADER_OR_FOLLOWER,
  Errors.LEADER_NOT_AVAILABLE,
  Errors.OFFSET_OUT_OF_RANGE,
  Errors.ELECTION_NOT_NEEDED,
  Errors.PREFERRED_LEADER_NOT_AVAILABLE,
  Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE,
  Errors.NO_REASSIGNMENT_IN_PROGRESS,
]);

export class SimAdmin {
  readonly #options: SimAdminOptions;
  readonly #client: SimClient;
  readonly #history: History;
  readonly #fail: (error: Error) => void;
  #isStopped = false;
  #isDone = false;

  constructor(
    options: SimAdminOptions,
    modules: { client: SimClient; history: History; fail: (error: Error) => void },
  ) {
    this.#options = options;
    this.#client = modules.client;
    this.#history = modules.history;
    this.#fail = modules.fail;
  }

  start(): void {
    this.#run().then(
      () => {
        this.#isDone = true;
      },
      (error: unknown) => this.#fail(error as Error),
    );
  }

  finish(): void {
    this.#isStopped = true;
  }

  /** Its last request has an answer, or will have none. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Creates the topics that records go to; again and again until they are there. */
  async createTopics(configs: Readonly<Record<string, string>>): Promise<void> {
    for (const { name, partitions, replicationFactor } of this.#options.topics) {
      for (;;) {
        const errorCode = await this.#create(name, partitions, replicationFactor, configs);
        if (errorCode === Errors.NONE || errorCode === Errors.TOPIC_ALREADY_EXISTS) break;
        await this.#client.sleep(50);
      }
    }
  }

  /** Whether the topics that came and went are as they should be, by the metadata just fetched. */
  checkTopics(): void {
    for (const [name, isThere] of this.#history.comings) {
      if (isThere !== null && this.#client.topics.has(name) !== isThere) {
        throw new InvariantError(`topic ${name} is ${isThere ? "gone" : "there"}, against what was acknowledged`);
      }
    }
  }

  async #run(): Promise<void> {
    const { random } = this.#client;
    while (!this.#isStopped) {
      await this.#client.sleep(random.float() * 2 * this.#options.everyMs);
      if (this.#isStopped) return;
      const deed = random.pick(this.#options.deeds);
      try {
        await this.#do(deed);
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        this.#client.note(`${deed}: ${error.message}`);
      }
    }
  }

  async #do(deed: AdminDeed): Promise<void> {
    const { random } = this.#client;
    const topic = random.pick(this.#options.topics);
    const partition = random.integer(topic.partitions);
    switch (deed) {
      case "create": {
        const factor = Math.min(this.#options.brokerIds.length, random.pick([1, 2, 3]));
        await this.#come(random.pick(CHURN_NAMES), true, name => this.#create(name, 1 + random.integer(2), factor, {}));
        break;
      }
      case "delete":
        await this.#come(random.pick(CHURN_NAMES), false, name => this.#delete(name));
        break;
      case "configs":
        await this.#configure(topic.name);
        break;
      case "deleteRecords":
        await this.#deleteRecords(topic.name, partition);
        break;
      case "elect":
        await this.#elect(topic.name, partition);
        break;
      case "reassign":
        await this.#reassign(topic.name, partition, this.#newReplicas(topic.replicationFactor));
        break;
      case "cancel":
        await this.#reassign(topic.name, partition, null);
        break;
    }
  }

  /** Notes of a topic that it comes or goes, whatever the answer. */
  async #come(name: string, isComing: boolean, act: (name: string) => Promise<number>): Promise<void> {
    const before = this.#history.comings.get(name) ?? (this.#history.comings.has(name) ? null : false);
    this.#history.comings.set(name, null);
    const repeatCount = this.#options.repeatCount();
    const errorCode = await act(name);
    if (errorCode === Errors.NONE) {
      // One that nobody knows about may still come after it.
      this.#history.comings.set(name, before === null ? null : isComing);
      return;
    }
    if (UNKNOWN_OUTCOME.has(errorCode)) return;
    const isRefusedForWhatIsThere =
      errorCode === (isComing ? Errors.TOPIC_ALREADY_EXISTS : Errors.UNKNOWN_TOPIC_OR_PARTITION);
    if (isRefusedForWhatIsThere && before !== null && before !== isComing) {
      if (repeatCount !== this.#options.repeatCount()) return;
      throw new InvariantError(`${name} was refused with ${errorName(errorCode)}, against what was acknowledged`);
    }
    this.#history.comings.set(name, before);
  }

  async #create(
    name: string,
    numPartitions: number,
    replicationFactor: number,
    configs: Readonly<Record<string, string>>,
  ): Promise<number> {
    try {
      const { topics } = await this.#client.toAny(CreateTopics, {
        topics: [
          {
            name,
            numPartitions,
            replicationFactor,
            assignments: [],
            configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
          },
        ],
        timeoutMs: 2_000,
      });
      return this.#answered(`creating ${name}`, topics[0]!.errorCode);
    } catch (error) {
      return this.#unanswered(`creating ${name}`, error as Error);
    }
  }

  async #delete(name: string): Promise<number> {
    try {
      const { responses } = await this.#client.toAny(DeleteTopics, {
        topics: [{ name, topicId: ZERO_UUID }],
        topicNames: [name],
        timeoutMs: 2_000,
      });
      return this.#answered(`deleting ${name}`, responses[0]!.errorCode);
    } catch (error) {
      return this.#unanswered(`deleting ${name}`, error as Error);
    }
  }

  async #configure(topic: string): Promise<void> {
    const { random } = this.#client;
    const [name, value] = random.pick([
      ["segment.ms", "500"],
      ["segment.ms", "604800000"],
      ["internal.segment.bytes", "4000"],
      ["internal.segment.bytes", "100000"],
      ["index.interval.bytes", "64"],
      ["flush.messages", "1"],
      ["max.message.bytes", "1000000"],
    ] as const);
    const resource = {
      resourceType: ConfigResourceType.TOPIC,
      resourceName: topic,
      configs: [{ name, configOperation: SET, value }],
    };
    const { responses } = await this.#client.toAny(IncrementalAlterConfigs, {
      resources: [resource],
      validateOnly: false,
    });
    this.#answered(`setting ${name}=${value}`, responses[0]!.errorCode);
  }

  async #deleteRecords(topic: string, partition: number): Promise<void> {
    const history = this.#history.partition(keyOf(topic, partition));
    const { endOffset } = history;
    if (endOffset < 20) return;
    const offset = Math.floor(endOffset * this.#client.random.float() * 0.5);
    if (offset === 0) return;
    const leaderId = this.#client.partition(topic, partition)?.leaderId ?? -1;
    if (leaderId < 0) {
      await this.#client.refresh();
      return;
    }
    history.maybeDeletedTo = Math.max(history.maybeDeletedTo, offset);
    const { topics } = await this.#client.toNode(leaderId, DeleteRecords, {
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, offset }] }],
      timeoutMs: 1_000,
    });
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!;
    const isDone = this.#answered(`deleting ${topic}-${partition} up to ${offset}`, errorCode) === Errors.NONE;
    if (!isDone) await this.#client.refresh();
    else if (lowWatermark < offset) {
      throw new InvariantError(`${topic}-${partition} begins at ${lowWatermark} after a deletion up to ${offset}`);
    } else history.deletedTo = Math.max(history.deletedTo, offset);
  }

  async #elect(topic: string, partition: number): Promise<void> {
    const response = await this.#client.toAny(ElectLeaders, {
      electionType: 0,
      topicPartitions: [{ topic, partitions: [partition] }],
      timeoutMs: 2_000,
    });
    const result = response.replicaElectionResults[0]?.partitionResult[0];
    this.#answered(`electing ${topic}-${partition}`, result?.errorCode ?? response.errorCode);
  }

  async #reassign(topic: string, partition: number, replicas: readonly number[] | null): Promise<void> {
    const response = await this.#client.toAny(AlterPartitionReassignments, {
      timeoutMs: 2_000,
      allowReplicationFactorChange: true,
      topics: [
        {
          name: topic,
          partitions: [{ partitionIndex: partition, replicas: replicas === null ? null : [...replicas] }],
        },
      ],
    });
    const result = response.responses[0]?.partitions[0];
    const doing = replicas === null ? `cancelling` : `moving to ${replicas.join(",")}`;
    this.#answered(`${doing} ${topic}-${partition}`, result?.errorCode ?? response.errorCode);
  }

  #newReplicas(count: number): number[] {
    const rest = [...this.#options.brokerIds];
    const replicas: number[] = [];
    while (replicas.length < count && rest.length > 0) {
      replicas.push(...rest.splice(this.#client.random.integer(rest.length), 1));
    }
    return replicas;
  }

  #answered(what: string, errorCode: number): number {
    this.#client.note(`${what}: ${errorName(errorCode)}`);
    this.#history.adminCount += 1;
    if (errorCode !== Errors.NONE && !UNKNOWN_OUTCOME.has(errorCode) && !REFUSALS.has(errorCode)) {
      throw new InvariantError(`${what} was answered with ${errorName(errorCode)}`);
    }
    return errorCode;
  }

  #unanswered(what: string, error: Error): number {
    if (!(error instanceof RpcError)) throw error;
    this.#client.note(`${what}: ${error.message}`);
    return Errors.REQUEST_TIMED_OUT;
  }
}
