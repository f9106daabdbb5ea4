/** Groups on one partition in virtual time: requests in, answers out, restarts in between. */

import type { JoinGroup } from "../../../protocol/apis/11-join-group.ts";
import type { SyncGroup } from "../../../protocol/apis/14-sync-group.ts";
import type { ResponseInputOf } from "../../../protocol/schema.ts";
import { TopicPatterns } from "../../../src/coordinators/group/consumer/topic-patterns.ts";
import type { GroupEnvironment } from "../../../src/coordinators/group/group-environment.ts";
import { groupCounters } from "../../../src/coordinators/group/group-metrics.ts";
import type { GroupOptions } from "../../../src/coordinators/group/group-options.ts";
import { type GroupRecord, groupRecordCodec } from "../../../src/coordinators/group/group-record.ts";
import { GroupState } from "../../../src/coordinators/group/group-state.ts";
import { replayBatch } from "../../../src/coordinators/runtime/loader.ts";
import { CoordinatorShard } from "../../../src/coordinators/runtime/shard.ts";
import { nullLogger } from "../../../src/logging/index.ts";
import type { MetadataImage } from "../../../src/metadata/image.ts";
import { Metrics } from "../../../src/metrics/index.ts";
import { SimulatedTime } from "../../../src/platform/memory-time.ts";
import { TimerWheel } from "../../../src/replication/timer-wheel.ts";
import { MemoryPartition } from "./memory-partition.ts";

export type JoinResponse = ResponseInputOf<typeof JoinGroup>;
export type SyncResponse = ResponseInputOf<typeof SyncGroup>;

/** A promise that can be looked at. */
export interface Watched<T> {
  value: T | undefined;
  error: unknown;
  isDone: boolean;
  readonly promise: Promise<T>;
}

export function watch<T>(promise: Promise<T>): Watched<T> {
  const watched: Watched<T> = { value: undefined, error: undefined, isDone: false, promise };
  promise.then(
    value => {
      watched.value = value;
      watched.isDone = true;
    },
    error => {
      watched.error = error;
      watched.isDone = true;
    },
  );
  return watched;
}

export interface TestTopic {
  readonly name: string;
  readonly id: string;
  readonly partitionCount: number;
}

export const defaultOptions: GroupOptions = {
  classic: {
    initialRebalanceDelayMs: 3_000,
    minSessionTimeoutMs: 6_000,
    maxSessionTimeoutMs: 1_800_000,
    maxSize: 5_000,
    newMemberJoinTimeoutMs: 300_000,
    minSyncTimeoutMs: 10_000,
  },
  consumer: {
    isEnabled: true,
    maxSize: 5_000,
    assignors: ["uniform", "range"],
    canUpgrade: true,
    canDowngrade: true,
    regexRefreshIntervalMs: 600_000,
    of: () => ({ sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000, assignmentIntervalMs: 0 }),
  },
  offsets: { metadataMaxLength: 4_096, retentionMs: 7 * 24 * 3_600_000, checkIntervalMs: 600_000 },
};

export class GroupFixture {
  readonly time: SimulatedTime;
  readonly partition: MemoryPartition;
  options: GroupOptions;
  shard!: CoordinatorShard<GroupState, GroupRecord>;
  topicsChangedAt = 0;
  readonly metrics = new Metrics();
  #image!: MetadataImage;
  #wheel: TimerWheel;
  #nextId = 1;

  constructor(options: GroupOptions = defaultOptions) {
    this.time = new SimulatedTime();
    this.options = options;
    this.partition = new MemoryPartition(this.time);
    this.#wheel = new TimerWheel({ bucketMs: 10 }, { clock: this.time, timers: this.time });
    this.setTopics([]);
    this.#open();
  }

  setTopics(topics: readonly TestTopic[]): void {
    const images = topics.map(({ name, id, partitionCount }) => ({
      id,
      name,
      partitions: Array.from({ length: partitionCount }, (_, partition) => ({ partition, replicas: [1] })),
    }));
    this.topicsChangedAt += 1;
    this.#image = {
      offset: this.topicsChangedAt,
      topics: {
        byName: new Map(images.map(topic => [topic.name, topic])),
        byId: new Map(images.map(topic => [topic.id, topic])),
      },
      cluster: { brokers: new Map([[1, { rack: null }]]) },
    } as unknown as MetadataImage;
  }

  get state(): GroupState {
    return this.shard.state;
  }

  get environment(): GroupEnvironment {
    return this.state.environment;
  }

  /** Lets pass what needs no time. */
  async settle(): Promise<void> {
    await this.time.advance(0);
  }

  /** The coordinator is gone and comes back, with what was committed. */
  async restart(): Promise<void> {
    this.shard.close();
    this.partition.loseUncommitted(0);
    this.partition.leaderEpoch += 1;
    this.#open();
    await this.settle();
  }

  /** The state that a replay of the log gives. */
  replayed(): GroupState {
    const state = new GroupState(this.environment);
    for (const { bytes } of this.partition.batches) {
      replayBatch(state, bytes, 0, { codec: groupRecordCodec, logger: nullLogger });
    }
    return state;
  }

  /** Records of the log, decoded. */
  records(): GroupRecord[] {
    const records: GroupRecord[] = [];
    const collector = {
      apply: (record: GroupRecord) => records.push(record),
      endTransaction: () => {},
      loaded: () => {},
      close: () => {},
    };
    for (const { bytes } of this.partition.batches) {
      replayBatch(collector as never, bytes, 0, { codec: groupRecordCodec, logger: nullLogger });
    }
    return records;
  }

  newId(): number {
    return this.#nextId++;
  }

  #open(): void {
    this.shard = new CoordinatorShard<GroupState, GroupRecord>(
      {
        name: "__consumer_offsets-0",
        loadChunkSizeBytes: 1 << 20,
        commitTimeoutMs: 5_000,
        lingerMs: -1,
        codec: 0,
        reloadBackoffMs: 100,
      },
      {
        partition: this.partition,
        codec: groupRecordCodec,
        createState: shard => new GroupState(this.#environmentOf(shard)),
        clock: this.time,
        timers: this.time,
        logger: nullLogger,
      },
    );
    this.shard.start();
  }

  #environmentOf(shard: CoordinatorShard<GroupState, GroupRecord>): GroupEnvironment {
    const fixture = this;
    return {
      get options() {
        return fixture.options;
      },
      clock: this.time,
      wheel: this.#wheel,
      logger: nullLogger,
      counters: groupCounters(this.metrics),
      patterns: new TopicPatterns(),
      image: () => this.#image,
      topicsChangedAt: () => this.topicsChangedAt,
      later: callback => this.time.endOfTick(callback),
      newUuid: () => `uuid-${this.newId()}`,
      newKafkaUuid: () => `kafka-${this.newId()}`,
      run: (name, decide) => shard.run(name, decide),
      maxRecordsSizeBytes: () => shard.maxRecordsSizeBytes,
    };
  }
}
