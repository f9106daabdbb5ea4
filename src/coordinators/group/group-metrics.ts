/**
 * What the group coordinator counts. Kafka's own are named beside ours: `kafka.server:type=group-coordinator-metrics`.
 */
import type { Counter, Metrics } from "../../metrics/index.ts";
import { ClassicGroup } from "./classic/classic-group.ts";
import { ConsumerGroup } from "./consumer/consumer-group.ts";
import type { GroupShard } from "./group-shards.ts";

/** Counted where it is decided: what a decision has done to the groups of one broker, whether its records were committed or not. */
export interface GroupCounters {
  /** Generations of classic groups (`group-completed-rebalance-count`). */
  readonly classicRebalances: Counter;
  /** Target assignments of consumer groups (`consumer-group-rebalance-count`). */
  readonly consumerRebalances: Counter;
  /** Members thrown out because a time limit of theirs passed. */
  readonly membersExpired: Counter;
  /** Offsets of partitions committed (`offset-commit-count`). */
  readonly offsetCommits: Counter;
  /** Offsets that were kept long enough (`offset-expiration-count`). */
  readonly offsetsExpired: Counter;
}

export function groupCounters(metrics: Metrics): GroupCounters {
  return {
    classicRebalances: metrics.counter("samsa_group_rebalances_total", { protocol: "classic" }),
    consumerRebalances: metrics.counter("samsa_group_rebalances_total", { protocol: "consumer" }),
    membersExpired: metrics.counter("samsa_group_members_expired_total"),
    offsetCommits: metrics.counter("samsa_offset_commits_total"),
    offsetsExpired: metrics.counter("samsa_offsets_expired_total"),
  };
}

const STATES = {
  classic: ["Empty", "PreparingRebalance", "CompletingRebalance", "Stable"],
  consumer: ["Empty", "Assigning", "Reconciling", "Stable"],
} as const;

/** Has `metrics` show the groups, members and offsets of all shards, as they are when they are asked for. */
export function showGroups(metrics: Metrics, shards: () => Iterable<GroupShard>): void {
  for (const protocol of ["classic", "consumer"] as const) {
    const kind = protocol === "classic" ? ClassicGroup : ConsumerGroup;
    for (const state of STATES[protocol]) {
      metrics.gauge("samsa_groups", { protocol, state }).source(() => {
        let count = 0;
        for (const group of groupsOf(shards())) if (group instanceof kind && group.state === state) count += 1;
        return count;
      });
    }
    metrics.gauge("samsa_group_members", { protocol }).source(() => {
      let count = 0;
      for (const group of groupsOf(shards())) if (group instanceof kind) count += group.size;
      return count;
    });
  }
  metrics.gauge("samsa_offsets").source(() => {
    let count = 0;
    for (const shard of shards()) count += shard.state.offsets.count;
    return count;
  });
  for (const state of ["loading", "active"] as const) {
    metrics.gauge("samsa_group_coordinator_partitions", { state }).source(() => {
      let count = 0;
      for (const shard of shards()) if (state === "loading" ? shard.isLoading : shard.isActive) count += 1;
      return count;
    });
  }
}

function* groupsOf(shards: Iterable<GroupShard>) {
  for (const shard of shards) yield* shard.state.groups.values();
}
