/** What a load generator is told to do, and what it answers. */
import type { CodecId } from "../../protocol/records/compression/index.ts";
import type { LatencySummary } from "./latencies.ts";

interface Common {
  readonly address: string;
  readonly partitions: number;
  /** In a cluster: the address of each partition's leader, by partition. All are at `address` otherwise. */
  readonly leaders?: readonly string[];
  readonly warmupMs: number;
  readonly durationMs: number;
  /** The load is ended and has failed after this; by default some time after it should have ended. */
  readonly limitMs?: number;
}

export interface ProduceLoad extends Common {
  readonly kind: "produce";
  /** Written in turn, each with as many partitions. */
  readonly topics: readonly string[];
  readonly recordSizeBytes: number;
  readonly recordsPerBatch: number;
  readonly codec: CodecId;
  /** Requests under way at once on a connection; each carries one batch for one partition, in turn. */
  readonly pipeline: number;
  readonly connections: number;
  /** -1 waits for durability, 1 for the leader. */
  readonly acks: number;
  /** Batches carry a producer id and sequence numbers (KIP-98). */
  readonly isIdempotent: boolean;
  /** Requests a second over all connections; 0 sends as fast as answers come. */
  readonly requestsPerSecond: number;
  /** How often it tells how it goes; never by default. */
  readonly samplePeriodMs?: number;
}

export interface ConsumeLoad extends Common {
  readonly kind: "consume";
  readonly topic: string;
  readonly recordSizeBytes: number;
  /** Each reads all partitions on its own. */
  readonly connections: number;
  /** Most bytes of a partition in one answer. */
  readonly partitionMaxBytes: number;
  /** Waits at the end of a partition for more, instead of beginning anew. */
  readonly isTail: boolean;
  /** Ends when everything was read once, instead of beginning anew until the time is up. */
  readonly isOnce: boolean;
}

export type Load = ProduceLoad | ConsumeLoad;

export interface LoadResult {
  readonly seconds: number;
  readonly requests: number;
  readonly records: number;
  /** Bytes of record values. */
  readonly valueBytes: number;
  readonly latency: LatencySummary;
  /** CPU of the generator itself: near one core, it is the limit rather than the broker. */
  readonly clientCpuSeconds: number;
}

/** The partitions of a load by the broker that leads them. */
export function partitionsByLeader(load: Load): Map<string, number[]> {
  const byLeader = new Map<string, number[]>();
  for (let partition = 0; partition < load.partitions; partition++) {
    const leader = load.leaders?.[partition] ?? load.address;
    const partitions = byLeader.get(leader);
    if (partitions === undefined) byLeader.set(leader, [partition]);
    else partitions.push(partition);
  }
  return byLeader;
}

/** What most of PERFORMANCE.md's table produces, but for sizes. */
export const PRODUCE_DEFAULTS = {
  kind: "produce",
  partitions: 6,
  codec: 0,
  connections: 1,
  acks: -1,
  isIdempotent: false,
  requestsPerSecond: 0,
} as const;

/** What librdkafka and the Java client ask for. */
export const CONSUME_DEFAULTS = {
  kind: "consume",
  partitions: 6,
  connections: 1,
  partitionMaxBytes: 1024 * 1024,
  isTail: false,
  isOnce: false,
} as const;
