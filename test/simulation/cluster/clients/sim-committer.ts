/**
 * A group's offsets, committed and asked for again by one client, one request at a time: what is told must be the last commit that was acknowledged,
 * or one of those that nobody knows about (RELIABILITY I7).
 */
import { OffsetCommit } from "../../../../protocol/apis/08-offset-commit.ts";
import { OffsetFetch } from "../../../../protocol/apis/09-offset-fetch.ts";
import { FindCoordinator } from "../../../../protocol/apis/10-find-coordinator.ts";
import { Errors, errorName } from "../../../../protocol/errors.ts";
import { ZERO_UUID } from "../../../../protocol/schema.ts";
import { RpcError } from "../../../../src/rpc/index.ts";
import { InvariantError } from "../../world.ts";
import { type CommitAttempt, type History, keyOf } from "../history.ts";
import type { SimClient } from "./sim-client.ts";

export interface SimCommitterOptions {
  readonly groupId: string;
  readonly topic: string;
  readonly partitions: readonly number[];
  readonly everyMs: number;
}

const RETRIABLE = new Set<number>([
  Errors.COORDINATOR_NOT_AVAILABLE,
  Errors.COORDINATOR_LOAD_IN_PROGRESS,
  Errors.NOT_COORDINATOR,
  Errors.REQUEST_TIMED_OUT,
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
  Errors.UNKNOWN_SERVER_ERROR,
  Errors.KAFKA_STORAGE_ERROR,
  Errors.NOT_LEADER_OR_FOLLOWER,
]);

export class SimCommitter {
  readonly #options: SimCommitterOptions;
  readonly #client: SimClient;
  readonly #history: History;
  readonly #fail: (error: Error) => void;
  #coordinatorId = -1;
  #count = 0;
  #isStopped = false;
  /** Partitions looked at since the client was told to finish. */
  readonly #verified = new Set<number>();

  constructor(
    options: SimCommitterOptions,
    modules: { client: SimClient; history: History; fail: (error: Error) => void },
  ) {
    this.#options = options;
    this.#client = modules.client;
    this.#history = modules.history;
    this.#fail = modules.fail;
  }

  start(): void {
    this.#run().catch((error: unknown) => this.#fail(error as Error));
  }

  /** Commits nothing more, and looks once more at all. */
  finish(): void {
    this.#isStopped = true;
  }

  /** Looks at everything again. */
  verifyAgain(): void {
    this.#verified.clear();
    this.start();
  }

  get isDone(): boolean {
    return this.#isStopped && this.#verified.size === this.#options.partitions.length;
  }

  async #run(): Promise<void> {
    const { random } = this.#client;
    while (!this.isDone) {
      const partition = this.#isStopped
        ? this.#options.partitions.find(each => !this.#verified.has(each))!
        : random.pick(this.#options.partitions);
      try {
        if (this.#coordinatorId < 0) await this.#find();
        else if (this.#isStopped || random.chance(0.3)) await this.#ask(partition);
        else await this.#commit(partition);
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        this.#client.note(`group ${this.#options.groupId}: ${error.message}`);
        this.#coordinatorId = -1;
      }
      await this.#client.sleep(random.float() * 2 * (this.#isStopped ? 20 : this.#options.everyMs));
    }
  }

  async #find(): Promise<void> {
    const { groupId } = this.#options;
    await this.#client.refresh();
    const { coordinators } = await this.#client.toAny(
      FindCoordinator,
      { key: "", keyType: 0, coordinatorKeys: [groupId] },
      { versions: { min: 4 } },
    );
    const coordinator = coordinators[0]!;
    if (coordinator.errorCode === Errors.NONE) this.#coordinatorId = coordinator.nodeId;
    else this.#check(coordinator.errorCode, "finding the coordinator");
  }

  async #commit(partition: number): Promise<void> {
    const { groupId, topic } = this.#options;
    this.#count += 1;
    const attempt: CommitAttempt = { offset: this.#count, metadata: `${this.#client.name}-${this.#count}` };
    const state = this.#state(partition);
    // Until the answer is there nobody knows.
    state.unknown.push(attempt);
    const response = await this.#client.toNode(
      this.#coordinatorId,
      OffsetCommit,
      {
        groupId,
        generationIdOrMemberEpoch: -1,
        memberId: "",
        topics: [
          {
            name: topic,
            topicId: ZERO_UUID,
            partitions: [
              {
                partitionIndex: partition,
                committedOffset: BigInt(attempt.offset),
                committedLeaderEpoch: -1,
                committedMetadata: attempt.metadata,
              },
            ],
          },
        ],
      },
      { versions: { max: 9 } },
    );
    const { errorCode } = response.topics[0]!.partitions[0]!;
    if (errorCode !== Errors.NONE) {
      this.#check(errorCode, "committing");
      return;
    }
    this.#history.commitCount += 1;
    this.#client.note(`${groupId} ${topic}-${partition} committed ${attempt.offset}`);
    state.unknown = state.unknown.filter(other => other !== attempt);
    state.acked = attempt;
  }

  async #ask(partition: number): Promise<void> {
    const { groupId, topic } = this.#options;
    const response = await this.#client.toNode(
      this.#coordinatorId,
      OffsetFetch,
      {
        groupId: "",
        topics: [],
        groups: [{ groupId, topics: [{ name: topic, topicId: ZERO_UUID, partitionIndexes: [partition] }] }],
        requireStable: true,
      },
      { versions: { min: 8, max: 9 } },
    );
    const group = response.groups[0]!;
    if (group.errorCode !== Errors.NONE) {
      this.#check(group.errorCode, "asking for offsets");
      return;
    }
    const { committedOffset, metadata, errorCode } = group.topics[0]!.partitions[0]!;
    if (errorCode !== Errors.NONE) {
      this.#check(errorCode, "asking for offsets");
      return;
    }
    this.#verify(partition, Number(committedOffset), metadata ?? "");
    if (this.#isStopped) this.#verified.add(partition);
  }

  #verify(partition: number, offset: number, metadata: string): void {
    const { acked, unknown } = this.#state(partition);
    const isAcked = acked === null ? offset === -1 : acked.offset === offset && acked.metadata === metadata;
    if (isAcked || unknown.some(attempt => attempt.offset === offset && attempt.metadata === metadata)) return;
    throw new InvariantError(
      `group ${this.#options.groupId} has offset ${offset} (${metadata}) for ${partition}, but ${acked?.offset ?? "none"} was acknowledged last`,
    );
  }

  #state(partition: number): { acked: CommitAttempt | null; unknown: CommitAttempt[] } {
    const key = `${this.#options.groupId} ${keyOf(this.#options.topic, partition)}`;
    let state = this.#history.commits.get(key);
    if (state === undefined) {
      state = { acked: null, unknown: [] };
      this.#history.commits.set(key, state);
    }
    return state;
  }

  #check(errorCode: number, doing: string): void {
    if (!RETRIABLE.has(errorCode)) throw new InvariantError(`${doing} gave ${errorName(errorCode)}`);
    this.#client.note(`${doing} gave ${errorName(errorCode)}`);
    this.#coordinatorId = -1;
  }
}
