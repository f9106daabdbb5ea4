/**
 * Which partitions of this broker are throttled, as leader and as follower, and by what (KIP-73): `leader.replication.throttled.replicas`,
 * `follower.replication.throttled.replicas` of their topics, and the rates of this broker.
 */
import type { BrokerConfig, TopicConfig } from "../config/index.ts";
import type { Clock } from "../platform/platform.ts";
import type { Partition } from "./partition.ts";
import { namesReplica, ReplicationQuota } from "./replication-quota.ts";

export class ReplicationThrottles {
  readonly #nodeId: number;
  readonly #leaderQuota: ReplicationQuota;
  readonly #followerQuota: ReplicationQuota;
  readonly #ledThrottled = new Set<Partition>();
  readonly #followedThrottled = new Set<Partition>();

  constructor(options: { readonly nodeId: number }, modules: { readonly config: BrokerConfig; readonly clock: Clock }) {
    const { config } = modules;
    this.#nodeId = options.nodeId;
    const windows = {
      windowSizeMs: config.get("replication.quota.window.size.seconds") * 1_000,
      windowCount: config.get("replication.quota.window.num"),
    };
    const leader = { ...windows, limit: () => config.get("leader.replication.throttled.rate") };
    const follower = { ...windows, limit: () => config.get("follower.replication.throttled.rate") };
    this.#leaderQuota = new ReplicationQuota(leader, modules);
    this.#followerQuota = new ReplicationQuota(follower, modules);
  }

  /** Takes what the topic's configuration says of `partition`. */
  configure(partition: Partition, config: TopicConfig): void {
    const put = (set: Set<Partition>, list: readonly string[]): void => {
      if (namesReplica(list, partition.index, this.#nodeId)) set.add(partition);
      else set.delete(partition);
    };
    put(this.#ledThrottled, config.get("leader.replication.throttled.replicas"));
    put(this.#followedThrottled, config.get("follower.replication.throttled.replicas"));
  }

  forget(partition: Partition): void {
    this.#ledThrottled.delete(partition);
    this.#followedThrottled.delete(partition);
  }

  /** Whether `followerId` is to get nothing of a partition led here for now. Who is in sync is never held back. */
  holdsBackFollower(partition: Partition, followerId: number): boolean {
    return this.#isThrottledFor(partition, followerId) && this.#leaderQuota.isExceeded;
  }

  sentToFollower(partition: Partition, followerId: number, sizeBytes: number): void {
    if (this.#isThrottledFor(partition, followerId)) this.#leaderQuota.record(sizeBytes);
  }

  /** Whether a partition followed here is not to be fetched for now. */
  holdsBackFetch(partition: Partition): boolean {
    return this.#isThrottledHere(partition) && this.#followerQuota.isExceeded;
  }

  fetched(partition: Partition, sizeBytes: number): void {
    if (this.#isThrottledHere(partition)) this.#followerQuota.record(sizeBytes);
  }

  #isThrottledFor(partition: Partition, followerId: number): boolean {
    return this.#ledThrottled.has(partition) && !partition.isr.includes(followerId);
  }

  #isThrottledHere(partition: Partition): boolean {
    return this.#followedThrottled.has(partition) && !partition.isr.includes(this.#nodeId);
  }
}
