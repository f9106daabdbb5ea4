/** Kafka's own record batches, decoded by its own reader and judged by a running broker. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

export interface VectorRecord {
  offset: number;
  timestamp: number;
  sequence?: number;
  key: string | null;
  value: string | null;
  headers?: { key: string; value: string | null }[];
  controlType?: string;
  coordinatorEpoch?: number;
  controlJson?: Record<string, unknown>;
}

export interface VectorBatch {
  magic: number;
  baseOffset: number;
  lastOffset: number;
  size: number;
  codec: string;
  timestampType: string;
  maxTimestamp: number;
  crc: number;
  baseTimestamp?: number;
  partitionLeaderEpoch?: number;
  producerId?: number;
  producerEpoch?: number;
  baseSequence?: number;
  lastSequence?: number;
  transactional?: boolean;
  control?: boolean;
  count?: number;
  deleteHorizonMs?: number;
  records: VectorRecord[];
}

export interface Vector {
  name: string;
  valid: boolean;
  bytes: Buffer;
  /** Of valid ones. */
  batches: VectorBatch[];
  /** Of invalid ones: what is wrong, and how far Kafka's reader came. */
  reason?: string;
  kafkaStage?: string;
  /** What a Kafka 4.3.1 broker answered when this was produced to an empty partition. */
  produceV11: { errorCode: number; error: string; baseOffset: number };
}

const path = new URL("../../fixtures/kafka/vectors/records.jsonl.gz", import.meta.url);

export const vectors: Vector[] = gunzipSync(readFileSync(path))
  .toString("utf8")
  .trim()
  .split("\n")
  .map(line => {
    const { hex, ...rest } = JSON.parse(line) as { hex: string } & Omit<Vector, "bytes">;
    return { ...rest, bytes: Buffer.from(hex, "hex") };
  });

export const validVectors: Vector[] = vectors.filter(vector => vector.valid);
export const invalidVectors: Vector[] = vectors.filter(vector => !vector.valid);
