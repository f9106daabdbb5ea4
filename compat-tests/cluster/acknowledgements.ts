/** What acknowledgements tell of a cluster: whether what was promised was kept, and how long clients had to wait. */
import type { Acknowledgement } from "./idempotent-producer.ts";

/** A record as it was read back: its number stands first in its value. */
export interface StoredRecord {
  readonly partition: number;
  readonly offset: number;
  readonly number: number;
}

/**
 * Throws unless every acknowledged record is there, at the offset that was promised, once, in the order in which it was sent, and no other record
 * of the producer is there twice. `stored` is in the order of offsets within each partition.
 */
export function verifyKept(acknowledgements: readonly Acknowledgement[], stored: readonly StoredRecord[]): void {
  const promised = new Map(acknowledgements.map(({ number, partition, offset }) => [number, { partition, offset }]));
  const seen = new Set<number>();
  const last = new Map<number, StoredRecord>();
  for (const record of stored) {
    const { partition, offset, number } = record;
    const before = last.get(partition);
    const where = `partition ${partition} offset ${offset}: record ${number}`;
    if (seen.has(number)) throw new Error(`${where} is there twice`);
    if (before !== undefined && number < before.number) throw new Error(`${where} comes after record ${before.number}`);
    const promise = promised.get(number);
    if (promise !== undefined && (promise.partition !== partition || promise.offset !== offset)) {
      throw new Error(`${where} was acknowledged at partition ${promise.partition} offset ${promise.offset}`);
    }
    seen.add(number);
    last.set(partition, record);
  }
  const lost = acknowledgements.filter(({ number }) => !seen.has(number));
  if (lost.length === 0) return;
  const [first] = lost as [Acknowledgement];
  throw new Error(
    `${lost.length} acknowledged records are lost; the first is ${first.number}, partition ${first.partition} offset ${first.offset}`,
  );
}

/** A time in which no record of one partition was acknowledged, since the client's start. */
export interface Gap {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The longest gap of any partition that was not over by `sinceMs`. */
export function longestGap(acknowledgements: readonly Acknowledgement[], sinceMs = 0): Gap {
  const lastMs = new Map<number, number>();
  let longest: Gap = { fromMs: 0, untilMs: 0 };
  for (const { partition, atMs: untilMs } of acknowledgements) {
    const fromMs = lastMs.get(partition);
    lastMs.set(partition, untilMs);
    if (fromMs === undefined || untilMs < sinceMs) continue;
    if (untilMs - fromMs > longest.untilMs - longest.fromMs) longest = { fromMs, untilMs };
  }
  return longest;
}
