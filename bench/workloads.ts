/** What is measured: the rows of the table in docs/performance.md, each as a load on a topic of its own. */
import type { ConsumeLoad } from "./load/consume.ts";
import type { ProduceLoad } from "./load/produce.ts";

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** What a row shows: bytes a second, records a second, or latency percentiles. */
  readonly unit: "megabytes" | "records" | "latency";
  readonly partitions: number;
  readonly load:
    | Omit<ProduceLoad, "address" | "topic" | "warmupMs" | "durationMs">
    | Omit<ConsumeLoad, "address" | "topic" | "warmupMs" | "durationMs">;
  /** Fills the topic first with another workload, by name; its topic is used. */
  readonly after?: string;
}

const KIBIBYTE = 1024;

const produce = (
  name: string,
  title: string,
  unit: Workload["unit"],
  load: Partial<ProduceLoad> & Pick<ProduceLoad, "recordSizeBytes" | "recordsPerBatch" | "pipeline">,
): Workload => ({
  name,
  title,
  unit,
  partitions: load.partitions ?? 6,
  load: { kind: "produce", partitions: 6, connections: 1, acks: -1, requestsPerSecond: 0, ...load },
});

const consume = (
  name: string,
  title: string,
  unit: Workload["unit"],
  after: string,
  recordSizeBytes: number,
): Workload => ({
  name,
  title,
  unit,
  partitions: 6,
  load: { kind: "consume", partitions: 6, recordSizeBytes, connections: 1 },
  after,
});

export const WORKLOADS: readonly Workload[] = [
  produce("produce-1k", "produce 1 KiB records, batches of 250 KiB", "megabytes", {
    recordSizeBytes: KIBIBYTE,
    recordsPerBatch: 250,
    pipeline: 5,
  }),
  consume("consume-1k", "consume the same", "megabytes", "produce-1k", KIBIBYTE),
  produce("produce-100b", "produce 100 B records, batches of 2,000", "records", {
    recordSizeBytes: 100,
    recordsPerBatch: 2000,
    pipeline: 5,
  }),
  consume("consume-100b", "consume the same", "records", "produce-100b", 100),
  produce("produce-ten", "produce 100 B records, ten a batch", "records", {
    recordSizeBytes: 100,
    recordsPerBatch: 10,
    pipeline: 256,
  }),
  produce("produce-one", "produce 100 B records, one a batch", "records", {
    recordSizeBytes: 100,
    recordsPerBatch: 1,
    pipeline: 256,
  }),
  produce("produce-64", "produce 1 KiB records over 64 partitions", "megabytes", {
    partitions: 64,
    recordSizeBytes: KIBIBYTE,
    recordsPerBatch: 16,
    pipeline: 64,
  }),
  produce("latency", "latency at 1,000 records/s, one a batch", "latency", {
    recordSizeBytes: KIBIBYTE,
    recordsPerBatch: 1,
    pipeline: 0,
    requestsPerSecond: 1000,
  }),
];
