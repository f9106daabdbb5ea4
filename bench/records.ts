/**
 * What the record layer costs on the produce path: validation of a batch, its CRC, and the codecs.
 *
 *     node bench/records.ts
 *
 * Prints the best of several rounds, which on a shared machine is the figure least disturbed by others.
 */
import {
  BatchBuilder,
  BatchSummary,
  CODEC,
  type CodecName,
  compress,
  computeCrc,
  crc32c,
  decompress,
  decompressTransiently,
  forEachRecord,
  recordCountAt,
  stampTimestamps,
  type ValidateOptions,
  validateProduced,
} from "../protocol/records/index.ts";

const ROUNDS = 7;
const ROUND_MS = 150;
const nowMs = 1_780_000_000_000;

const options: ValidateOptions = {
  origin: "client",
  topicCompacted: false,
  timestampType: "CreateTime",
  messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampAfterMaxMs: 3_600_000,
  nowMs,
};
const summary = new BatchSummary();

/** Best nanoseconds a call over the rounds. */
function nanosecondsPerCall(call: () => void): number {
  for (let index = 0; index < 50; index++) call();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    let calls = 0;
    const start = performance.now();
    let elapsedMs = 0;
    while (elapsedMs < ROUND_MS) {
      for (let index = 0; index < 16; index++) call();
      calls += 16;
      elapsedMs = performance.now() - start;
    }
    best = Math.min(best, (elapsedMs * 1e6) / calls);
  }
  return best;
}

/** JSON-like text, as compressible as application data commonly is. */
function sampleValue(sizeBytes: number, seed: number): Buffer {
  let text = "";
  for (let index = seed; text.length < sizeBytes; index++) {
    text += `{"id":${(index * 2654435761) >>> 0},"user":"user-${index % 977}","amount":${(index * 37) % 10007},"ok":true},`;
  }
  return Buffer.from(text.slice(0, sizeBytes));
}

function sampleBatch(recordCount: number, valueSizeBytes: number, codec: CodecName = "none", keySizeBytes = 0): Buffer {
  const builder = new BatchBuilder({ codec: CODEC[codec] });
  for (let index = 0; index < recordCount; index++) {
    builder.append({
      timestamp: nowMs + Math.floor(index / 16),
      key: keySizeBytes > 0 ? sampleValue(keySizeBytes, index) : null,
      value: sampleValue(valueSizeBytes, index),
    });
  }
  return builder.build();
}

function row(name: string, cells: Record<string, string>): void {
  const text = Object.entries(cells)
    .map(([label, cell]) => `${cell.padStart(9)} ${label}`)
    .join("  ");
  console.log(`${name.padEnd(44)}${text}`);
}

console.log("validate (CRC, header, every record)");
for (const [name, batch] of [
  ["1 record of 100 B", sampleBatch(1, 100)],
  ["10 records of 100 B", sampleBatch(10, 100)],
  ["1 record of 1 KiB", sampleBatch(1, 1024)],
  ["2,200 records of 100 B (256 KiB)", sampleBatch(2200, 100)],
  ["2,200 records of 100 B, 16 B keys", sampleBatch(2200, 84, "none", 16)],
  ["250 records of 1 KiB (256 KiB)", sampleBatch(250, 1024)],
  ["15 records of 1 KiB (16 KiB)", sampleBatch(15, 1024)],
] as const) {
  if (validateProduced(batch, options, summary) !== null) throw new Error(`${name} is not valid`);
  const nanoseconds = nanosecondsPerCall(() => {
    if (validateProduced(batch, options, summary) !== null) throw new Error("not valid");
  });
  const crcNanoseconds = nanosecondsPerCall(() => {
    computeCrc(batch, 0, batch.length);
  });
  const count = recordCountAt(batch, 0);
  row(name, {
    "ns/batch": nanoseconds.toFixed(0),
    "ns of it CRC": crcNanoseconds.toFixed(0),
    "ns/record": (nanoseconds / count).toFixed(1),
    "ns/record walking": ((nanoseconds - crcNanoseconds) / count).toFixed(1),
    "M records/s": ((count * 1000) / nanoseconds).toFixed(2),
    "GB/s": (batch.length / nanoseconds).toFixed(2),
  });
}

console.log("\nvalidate compressed (decompresses and walks)");
for (const codec of ["gzip", "snappy", "lz4", "zstd"] as const) {
  const batch = sampleBatch(2200, 100, codec);
  const uncompressedBytes = sampleBatch(2200, 100).length;
  const nanoseconds = nanosecondsPerCall(() => {
    if (validateProduced(batch, options, summary) !== null) throw new Error("not valid");
  });
  row(`${codec}, 2,200 records of 100 B`, {
    "ns/record": (nanoseconds / 2200).toFixed(1),
    "MB/s of records": ((uncompressedBytes * 1000) / nanoseconds).toFixed(0),
    ratio: (uncompressedBytes / batch.length).toFixed(1),
  });
}

console.log("\nwalk and stamp");
{
  const batch = sampleBatch(2200, 100, "none", 16);
  let offsets = 0;
  const walk = nanosecondsPerCall(() =>
    forEachRecord(batch, 0, record => {
      offsets += record.offset;
    }),
  );
  let now = nowMs + offsets * 0;
  const stamp = nanosecondsPerCall(() => stampTimestamps(batch, 0, "LogAppendTime", now++));
  row("forEachRecord", { "ns/record": (walk / 2200).toFixed(1) });
  row("stampTimestamps, 256 KiB", { "ns/batch": stamp.toFixed(0) });
}

console.log("\nCRC-32C");
for (const sizeBytes of [64, 100, 1024, 16384, 262144, 1048576]) {
  const bytes = sampleValue(sizeBytes, 1);
  const nanoseconds = nanosecondsPerCall(() => {
    crc32c(bytes);
  });
  row(`${sizeBytes} B`, { ns: nanoseconds.toFixed(0), "GB/s": (sizeBytes / nanoseconds).toFixed(2) });
}

console.log("\ncodecs (MB/s of uncompressed bytes)");
for (const codec of ["gzip", "snappy", "lz4", "zstd"] as const) {
  for (const sizeBytes of [1024, 16384, 1048576]) {
    const content = sampleValue(sizeBytes, 1);
    const compressed = compress(CODEC[codec], content);
    const compressing = nanosecondsPerCall(() => {
      compress(CODEC[codec], content);
    });
    const decompressing = nanosecondsPerCall(() => {
      decompress(CODEC[codec], compressed, { maxSizeBytes: 1 << 26 });
    });
    const transiently = nanosecondsPerCall(() => {
      decompressTransiently(CODEC[codec], compressed, { maxSizeBytes: 1 << 26 });
    });
    row(`${codec}, ${sizeBytes} B`, {
      compress: ((sizeBytes * 1000) / compressing).toFixed(0),
      decompress: ((sizeBytes * 1000) / decompressing).toFixed(0),
      transiently: ((sizeBytes * 1000) / transiently).toFixed(0),
      ratio: (sizeBytes / compressed.length).toFixed(1),
    });
  }
}
