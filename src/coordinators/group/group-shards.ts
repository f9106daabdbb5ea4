/**
 * The shards of the group coordinator, with what their decisions may use, and the coordinator's own work: expiry, and following the topics.
 */
import type { CodecId } from "../../../protocol/records/compression/index.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { Logger } from "../../logging/logger.ts";
import type { MetadataDelta } from "../../metadata/delta.ts";
import { GROUP_METADATA_TOPIC } from "../../metadata/internal-topics.ts";
import type { MetadataStore } from "../../metadata/metadata-store.ts";
import { randomUuid } from "../../metadata/storage/ids.ts";
import type { Metrics } from "../../metrics/index.ts";
import type { Clock, Random, Timer, Timers } from "../../platform/platform.ts";
import type { ReplicaManager } from "../../replication/replica-manager.ts";
import { TimerWheel } from "../../replication/timer-wheel.ts";
import type { CoordinatorPartition } from "../runtime/coordinator-state.ts";
import { CoordinatorShard } from "../runtime/shard.ts";
import { CoordinatorShards } from "../runtime/shards.ts";
import { ConsumerGroup } from "./consumer/consumer-group.ts";
import { TopicPatterns } from "./consumer/topic-patterns.ts";
import type { GroupEnvironment } from "./group-environment.ts";
import { type GroupCounters, groupCounters, showGroups } from "./group-metrics.ts";
import { type GroupOptions, groupOptions } from "./group-options.ts";
import { type GroupRecord, groupRecordCodec } from "./group-record.ts";
import { GroupState } from "./group-state.ts";
import { deleteTopicOffsets } from "./offsets/delete.ts";
import { expireOffsets } from "./offsets/expire.ts";

export interface GroupShardsModules {
  readonly config: BrokerConfig;
  readonly metadata: MetadataStore;
  readonly replicas: ReplicaManager;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export type GroupShard = CoordinatorShard<GroupState, GroupRecord>;

/** Time limits are kept to within so many milliseconds. */
const TIMER_BUCKET_MS = 10;
const RELOAD_BACKOFF_MS = 1_000;

export class GroupShards extends CoordinatorShards<GroupState, GroupRecord> {
  readonly #modules: GroupShardsModules;
  readonly #options: GroupOptions;
  readonly #wheel: TimerWheel;
  readonly #counters: GroupCounters;
  #expiryTimer: Timer | null = null;

  constructor(modules: GroupShardsModules) {
    const { config, metadata } = modules;
    const patterns = new TopicPatterns();
    const options = groupOptions(config, () => metadata.image.configs);
    const wheel = new TimerWheel({ bucketMs: TIMER_BUCKET_MS }, modules);
    const counters = groupCounters(modules.metrics);
    let topicsChangedAt = 0;
    super(
      { topic: GROUP_METADATA_TOPIC },
      {
        ...modules,
        createShard: partition =>
          createShard(partition, modules, shard => ({
            options,
            clock: modules.clock,
            wheel,
            patterns,
            logger: modules.logger,
            counters,
            image: () => metadata.image,
            topicsChangedAt: () => topicsChangedAt,
            later: callback => modules.timers.endOfTick(callback),
            newUuid: () => javaUuid(modules.random),
            newKafkaUuid: () => randomUuid(modules.random),
            run: (name, decide) => shard.run(name, decide),
            maxRecordsSizeBytes: () => shard.maxRecordsSizeBytes,
          })),
        onImage: (image, delta) => {
          if (hasOtherTopics(delta)) topicsChangedAt = image.offset;
          this.#topicsChanged(delta);
        },
      },
    );
    this.#modules = modules;
    this.#options = options;
    this.#wheel = wheel;
    this.#counters = counters;
    showGroups(modules.metrics, () => this.all);
  }

  get options(): GroupOptions {
    return this.#options;
  }

  override start(): void {
    super.start();
    const { checkIntervalMs } = this.#options.offsets;
    this.#expiryTimer = this.#modules.timers.every(checkIntervalMs, () => this.expireOffsets());
  }

  override stop(): void {
    this.#expiryTimer?.clear();
    super.stop();
    this.#wheel.close();
  }

  /** Removes what has expired by now; done by itself every `offsets.retention.check.interval.ms`. */
  expireOffsets(): void {
    for (const shard of this.all) {
      shard.run("group.expire-offsets", (state, turn) => {
        const count = expireOffsets(state, turn);
        this.#counters.offsetsExpired.increment(count);
        if (count > 0) this.#modules.logger.info("group.offsets-expired", { partition: shard.partition.index, count });
      });
    }
  }

  #topicsChanged(delta: MetadataDelta): void {
    if (delta.topics.size === 0) return;
    const changed = new Set<string>();
    const deleted = new Set<string>();
    for (const { name, before, after } of delta.topics.values()) {
      changed.add(name);
      if (before !== null && after === null) deleted.add(name);
    }
    for (const shard of this.all) {
      if (!shard.isActive) continue;
      for (const group of shard.state.groups.values()) {
        if (!(group instanceof ConsumerGroup) || group.isMetadataStale) continue;
        for (const name of changed) if (group.isSubscribedTo(name)) group.isMetadataStale = true;
      }
      if (deleted.size > 0) {
        shard.run("group.topics-deleted", (state, turn) => deleteTopicOffsets(state, turn, deleted));
      }
    }
  }
}

function createShard(
  partition: CoordinatorPartition,
  { config, clock, timers, logger, metrics }: GroupShardsModules,
  environmentOf: (shard: GroupShard) => GroupEnvironment,
): GroupShard {
  const loadSeconds = metrics.histogram("samsa_group_coordinator_load_seconds");
  return new CoordinatorShard<GroupState, GroupRecord>(
    {
      name: `${GROUP_METADATA_TOPIC}-${partition.index}`,
      loadChunkSizeBytes: config.get("offsets.load.buffer.size"),
      commitTimeoutMs: config.get("offsets.commit.timeout.ms"),
      lingerMs: config.get("group.coordinator.append.linger.ms"),
      codec: config.get("offsets.topic.compression.codec") as CodecId,
      reloadBackoffMs: RELOAD_BACKOFF_MS,
    },
    {
      partition,
      codec: groupRecordCodec,
      createState: shard => new GroupState(environmentOf(shard)),
      clock,
      timers,
      logger,
      onLoaded: durationMs => loadSeconds.observe(durationMs / 1000),
    },
  );
}

/** Topics came or went; a change of leaders is none. */
function hasOtherTopics(delta: MetadataDelta): boolean {
  for (const { before, after } of delta.topics.values()) if (before === null || after === null) return true;
  return false;
}

/** A random UUID of version 4, with dashes. */
function javaUuid(random: Random): string {
  const hex = Buffer.from(randomUuid(random), "base64url").toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
