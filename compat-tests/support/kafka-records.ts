/** Records that tests write to a cluster and look for again, in it and in the files of all its replicas. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kafkajsClient, type ReadRecord, readTopicWithKafkajs } from "./kafkajs.ts";

/** Writes `count` records in batches, acks=all, keys `from` and up. Resolves when all are acknowledged. */
export async function write(address: string, topic: string, count: number, from = 0): Promise<void> {
  const producer = kafkajsClient(address, { retry: { retries: 10 } }).producer({ idempotent: true });
  await producer.connect();
  try {
    for (let first = from; first < from + count; first += BATCH_RECORDS) {
      const size = Math.min(BATCH_RECORDS, from + count - first);
      const messages = Array.from({ length: size }, (_, index) => record(first + index));
      await producer.send({ topic, acks: -1, messages });
    }
  } finally {
    await producer.disconnect();
  }
}

/** What is missing, doubled or strange among the records of a topic, when keys 0 to `count` - 1 were written. Empty when nothing is. */
export async function faults(address: string, topic: string, count: number): Promise<string[]> {
  const seen = new Map<string | null, number>();
  for (const { key, value } of await readTopicWithKafkajs(address, topic)) {
    const isWritten = value === record(Number(key)).value;
    seen.set(isWritten ? key : `${key}, which nobody wrote,`, (seen.get(key) ?? 0) + 1);
  }
  const expected = Array.from({ length: count }, (_, index) => String(index));
  return [
    ...expected.filter(key => !seen.has(key)).map(key => `${key} is missing`),
    ...[...seen]
      .filter(([key, times]) => times > 1 || !expected.includes(String(key)))
      .map(([key]) => `${key} is strange`),
  ];
}

export type { ReadRecord };

/** A digest of the bytes of all segments of a partition in a data directory; null where there is none. */
export function segmentsDigest(dataDir: string, partition: string): string | null {
  const directory = join(dataDir, partition);
  if (!existsSync(directory)) return null;
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for (const name of readdirSync(directory).sort()) {
    if (!name.endsWith(".log")) continue;
    const bytes = readFileSync(join(directory, name));
    sizeBytes += bytes.length;
    hash.update(name).update(bytes);
  }
  return `${sizeBytes} bytes, ${hash.digest("hex")}`;
}

const BATCH_RECORDS = 250;

function record(number: number): { readonly key: string; readonly value: string } {
  return { key: String(number), value: `value ${number} ${"x".repeat(60)}` };
}
