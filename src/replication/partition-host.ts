/** What a partition asks of the broker that hosts it, and what that broker needs to see of the partition. */
import type { PartitionLog } from "../log/index.ts";
import type { Counter } from "../metrics/index.ts";
import type { Clock } from "../platform/platform.ts";
import type { BrokerFacts } from "./isr.ts";
import type { IsrAnswer, IsrProposal } from "./leader-role.ts";

export interface HostedPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly isr: readonly number[];
  /** Tells parked fetches of followers what was appended in this tick. */
  tellFollowers(): void;
}

export interface PartitionHost {
  readonly clock: Clock;
  /** Has the log made durable soon: it joins the broker-wide group commit. */
  requestFlush(log: PartitionLog): void;
  /** What the metadata knows of a broker. */
  brokerOf(brokerId: number): BrokerFacts | undefined;
  /** `replica.lag.time.max.ms`. */
  lagTimeMaxMs(): number;
  /** The epoch of this broker's process. */
  brokerEpoch(): number;
  /** As `proposeIsr` of the leader's role. */
  proposeIsr(partition: HostedPartition, proposal: IsrProposal, answered: (answer: IsrAnswer) => void): void;
  /** Calls `partition.tellFollowers()` at the end of this tick. */
  tellFollowersLater(partition: HostedPartition): void;
  /** The ISR of a partition led here is another one now. */
  isrChanged(partition: HostedPartition, before: readonly number[]): void;
  /** Whether followers are to hear of a higher watermark at once, because consumers may read from them (KIP-392). */
  readonly hurriesHighWatermark: boolean;
}

export interface PartitionOptions {
  readonly nodeId: number;
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
}

export interface PartitionModules {
  /** Null while the partition's log directory is offline. */
  readonly log: PartitionLog | null;
  readonly counters: TopicCounters;
  /** What all partitions of a broker share. */
  readonly host: PartitionHost;
}

/** What is counted for each topic. */
export interface TopicCounters {
  readonly producedRecords: Counter;
  readonly producedBytes: Counter;
  readonly fetchedBytes: Counter;
}
