/** Over rates, partitions, connections, sizes of records, codecs, topics. */
import { CODEC, type CodecName } from "../../protocol/records/compression/index.ts";
import { sweep } from "./sweep.ts";

const KIBIBYTE = 1024;
const THROUGHPUT = ["megabytesPerSecond", "cpuSecondsPerGigabyte", "memoryMebibytes", "p99Ms"] as const;

function over<K extends string | number, V>(keys: readonly K[], setting: (key: K) => V): Map<K, V> {
  return new Map(keys.map(key => [key, setting(key)]));
}

export const rates = sweep({
  name: "rates",
  title: "Latency over load",
  text: "Records of 1 KiB, one a batch, sent at even distances over 4 connections whether answers come or not, from 3,000 a second on those of a millisecond at a time; latency counts from when a record was due. Acknowledged means on disk in Samsa, in memory in Kafka.",
  axis: "records a second",
  columns: ["p50Ms", "p99Ms", "p999Ms", "cpuMicrosecondsPerRequest"],
  plots: ["p50Ms", "p99Ms", "p999Ms"],
  quickAt: 1000,
  settings: over([100, 1000, 3000, 10_000, 20_000], requestsPerSecond => ({
    ...{ recordSizeBytes: KIBIBYTE, recordsPerBatch: 1, pipeline: 0, connections: 4 },
    requestsPerSecond,
  })),
});

export const partitions = sweep({
  name: "partitions",
  title: "Scaling with partitions",
  text: "Records of 1 KiB, 16 a batch, every batch for the next partition.",
  axis: "partitions",
  columns: THROUGHPUT,
  plots: ["megabytesPerSecond", "cpuSecondsPerGigabyte", "p99Ms"],
  quickAt: 256,
  settings: over([1, 6, 16, 64, 256, 1000], partitions => ({
    ...{ recordSizeBytes: KIBIBYTE, recordsPerBatch: 16, pipeline: 64 },
    partitions,
  })),
});

export const connections = sweep({
  name: "connections",
  title: "Scaling with connections",
  text: "Records of 1 KiB, one a batch, one request at a time on each connection.",
  axis: "connections",
  columns: ["thousandRecordsPerSecond", "cpuMicrosecondsPerRequest", "memoryMebibytes", "p50Ms", "p99Ms"],
  plots: ["thousandRecordsPerSecond", "cpuMicrosecondsPerRequest", "p99Ms"],
  quickAt: 64,
  settings: over([1, 4, 16, 64, 256, 1000], connections => ({
    ...{ recordSizeBytes: KIBIBYTE, recordsPerBatch: 1, pipeline: 1 },
    connections,
  })),
});

export const recordSizes = sweep({
  name: "record-sizes",
  title: "Scaling with the size of records",
  text: "Batches of about 100 KB (one record where it is larger), five requests going.",
  axis: "bytes a record",
  columns: ["megabytesPerSecond", "thousandRecordsPerSecond", "cpuSecondsPerGigabyte", "memoryMebibytes"],
  plots: ["megabytesPerSecond", "cpuSecondsPerGigabyte"],
  quickAt: 10_000,
  settings: over([10, 100, 1000, 10_000, 100_000, 900_000], recordSizeBytes => ({
    ...{ recordSizeBytes, pipeline: 5 },
    recordsPerBatch: Math.max(1, Math.round(100_000 / recordSizeBytes)),
  })),
});

export const codecs = sweep({
  name: "codecs",
  title: "Compressed batches",
  text: "Events in JSON of 1 KiB, 100 a batch, compressed by the producer; brokers check and keep the batches as they are. Throughput counts what was compressed.",
  axis: "codec",
  columns: THROUGHPUT,
  plots: ["megabytesPerSecond", "cpuSecondsPerGigabyte"],
  quickAt: "zstd",
  settings: over(Object.keys(CODEC) as CodecName[], name => ({
    ...{ recordSizeBytes: KIBIBYTE, recordsPerBatch: 100, pipeline: 5 },
    codec: CODEC[name],
  })),
});

export const topics = sweep({
  name: "topics",
  title: "A hundred topics",
  text: "Records of 1 KiB, 16 a batch, over 100 topics of 3 partitions in turn.",
  axis: "topics",
  columns: THROUGHPUT,
  plots: [],
  topics: 100,
  quickAt: 100,
  settings: over([100], () => ({ recordSizeBytes: KIBIBYTE, recordsPerBatch: 16, pipeline: 64, partitions: 3 })),
});
