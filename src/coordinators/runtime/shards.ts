/**
 * The shards of one coordinator's topic on this node: one for each partition that it leads, following the metadata.
 */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { MetadataDelta } from "../../metadata/delta.ts";
import type { MetadataImage } from "../../metadata/image.ts";
import type { MetadataStore } from "../../metadata/metadata-store.ts";
import type { ReplicaManager } from "../../replication/replica-manager.ts";
import type { CoordinatorPartition, CoordinatorState } from "./coordinator-state.ts";
import { coordinatorPartition } from "./java-hash.ts";
import type { CoordinatorShard } from "./shard.ts";

export interface ShardsOptions {
  readonly topic: string;
}

export interface ShardsModules<S extends CoordinatorState<Rec>, Rec> {
  readonly metadata: MetadataStore;
  readonly replicas: ReplicaManager;
  readonly createShard: (partition: CoordinatorPartition) => CoordinatorShard<S, Rec>;
  /** Told of every new image, after the shards follow it. */
  readonly onImage?: (image: MetadataImage, delta: MetadataDelta) => void;
}

export class CoordinatorShards<S extends CoordinatorState<Rec>, Rec> {
  readonly #topic: string;
  readonly #modules: ShardsModules<S, Rec>;
  readonly #shards = new Map<number, CoordinatorShard<S, Rec>>();
  #unsubscribe: (() => void) | null = null;

  constructor(options: ShardsOptions, modules: ShardsModules<S, Rec>) {
    this.#topic = options.topic;
    this.#modules = modules;
  }

  /** Follows the metadata. Call it after the replica manager has started: partitions must have their roles first. */
  start(): void {
    const { metadata } = this.#modules;
    this.#unsubscribe = metadata.subscribe((image, delta) => {
      if (touchesTopic(delta, this.#topic)) this.#follow(image);
      this.#modules.onImage?.(image, delta);
    });
    if (metadata.isCaughtUp) this.#follow(metadata.image);
  }

  /** Everybody who waits is told NOT_COORDINATOR. */
  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    for (const shard of this.#shards.values()) shard.close();
    this.#shards.clear();
  }

  get all(): Iterable<CoordinatorShard<S, Rec>> {
    return this.#shards.values();
  }

  /** Partitions of the topic; 0 while it does not exist. */
  get partitionCount(): number {
    return this.#modules.metadata.image.topics.byName.get(this.#topic)?.partitions.length ?? 0;
  }

  /** The partition that coordinates `name`; -1 while the topic does not exist. */
  partitionFor(name: string): number {
    const count = this.partitionCount;
    return count === 0 ? -1 : coordinatorPartition(name, count);
  }

  /** The shard that decides about `name`. Throws NOT_COORDINATOR when it is not here. */
  shardFor(name: string): CoordinatorShard<S, Rec> {
    const shard = this.#shards.get(this.partitionFor(name));
    if (shard === undefined) throw new ApiError(Errors.NOT_COORDINATOR);
    return shard;
  }

  shard(partition: number): CoordinatorShard<S, Rec> | undefined {
    return this.#shards.get(partition);
  }

  #follow(image: MetadataImage): void {
    const topic = image.topics.byName.get(this.#topic);
    const led = new Set<number>();
    for (const { partition: index } of topic?.partitions ?? []) {
      const partition = this.#modules.replicas.get(this.#topic, index);
      if (partition === undefined || !partition.isLeader || partition.isOffline) continue;
      led.add(index);
      const shard = this.#shards.get(index);
      if (shard !== undefined && shard.partition === partition && shard.leaderEpoch === partition.leaderEpoch) continue;
      shard?.close();
      const next = this.#modules.createShard(partition);
      this.#shards.set(index, next);
      next.start();
    }
    for (const [index, shard] of this.#shards) {
      if (led.has(index)) continue;
      this.#shards.delete(index);
      shard.close();
    }
  }
}

function touchesTopic(delta: MetadataDelta, name: string): boolean {
  for (const change of delta.topics.values()) if (change.name === name) return true;
  return false;
}
