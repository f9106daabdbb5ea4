/** The loads of the table that users know from Kafka's own benchmarks: one topic that is written, and perhaps read afterwards. */
import type { ProduceLoad } from "./loads.ts";

const KIBIBYTE = 1024;

type Produce = Pick<ProduceLoad, "recordSizeBytes" | "recordsPerBatch" | "pipeline"> & Partial<ProduceLoad>;

export interface Row {
  readonly title: string;
  readonly produce: Produce;
  /** What the reading of it is called; none otherwise. */
  readonly consumeTitle?: string;
  /** Whether it writes so much that what the system does with unwritten pages is a part of it. */
  readonly isBulk?: boolean;
}

export const TABLE_ROWS = {
  batched1k: {
    title: "produce 1 KiB records, 250 a batch",
    produce: { recordSizeBytes: KIBIBYTE, recordsPerBatch: 250, pipeline: 5 },
    consumeTitle: "consume 1 KiB records",
    isBulk: true,
  },
  idempotent: {
    title: "the same, idempotent",
    produce: { recordSizeBytes: KIBIBYTE, recordsPerBatch: 250, pipeline: 5, isIdempotent: true },
    isBulk: true,
  },
  batched100b: {
    title: "produce 100 B records, 2,000 a batch",
    produce: { recordSizeBytes: 100, recordsPerBatch: 2000, pipeline: 5 },
    consumeTitle: "consume 100 B records",
    isBulk: true,
  },
  ten: {
    title: "produce 100 B records, ten a batch",
    produce: { recordSizeBytes: 100, recordsPerBatch: 10, pipeline: 256 },
  },
  one: {
    title: "produce 100 B records, one a batch",
    produce: { recordSizeBytes: 100, recordsPerBatch: 1, pipeline: 256 },
  },
  partitions64: {
    title: "produce 1 KiB records over 64 partitions",
    produce: { recordSizeBytes: KIBIBYTE, recordsPerBatch: 16, pipeline: 64, partitions: 64 },
    isBulk: true,
  },
  partitions6: {
    title: "the same over 6 partitions",
    produce: { recordSizeBytes: KIBIBYTE, recordsPerBatch: 16, pipeline: 64 },
    isBulk: true,
  },
  latency: {
    title: "1,000 records/s, one a batch",
    produce: { recordSizeBytes: KIBIBYTE, recordsPerBatch: 1, pipeline: 0, requestsPerSecond: 1000 },
  },
} as const satisfies Record<string, Row>;
