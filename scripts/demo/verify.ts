/** Checks what clients read back against what was acknowledged: every acknowledged record is there once and in order, and nothing else is. */
import type { ReadRecord } from "../../compat-tests/support/kafkajs.ts";
import type { Row } from "./flights.ts";
import { recordValue } from "./flights.ts";

/** Throws with the first difference found. */
export function verify(records: readonly ReadRecord[], acknowledged: readonly string[], rows: readonly Row[]): void {
  const orderOf = new Map(acknowledged.map((value, order) => [value, order]));
  const sent = new Map(rows.flatMap(row => [1, 2].map(attempt => [recordValue(row, attempt), row.key] as const)));
  const seen = new Set<string>();
  const lastOrder = new Map<number, number>();
  const nextOffset = new Map<number, number>();
  for (const { partition, offset, key, value } of records) {
    const where = `partition ${partition} offset ${offset}`;
    if (value === null || !sent.has(value)) throw new Error(`${where}: a record that nobody sent: ${value}`);
    if (sent.get(value) !== key) throw new Error(`${where}: key ${key} is not the one sent, ${sent.get(value)}`);
    if (seen.has(value)) throw new Error(`${where}: a duplicate of ${value}`);
    seen.add(value);
    if (offset !== (nextOffset.get(partition) ?? 0))
      throw new Error(`${where}: offset ${nextOffset.get(partition)} is missing`);
    nextOffset.set(partition, offset + 1);
    const order = orderOf.get(value);
    if (order === undefined) continue;
    if (order < (lastOrder.get(partition) ?? -1)) throw new Error(`${where}: out of order: ${value}`);
    lastOrder.set(partition, order);
  }
  const lost = acknowledged.filter(value => !seen.has(value));
  if (lost.length > 0) throw new Error(`${lost.length} acknowledged records are lost, the first is ${lost[0]}`);
}

/** Throws unless two clients read the very same records. */
export function verifySame(a: readonly ReadRecord[], b: readonly ReadRecord[]): void {
  if (a.length !== b.length) throw new Error(`one client read ${a.length} records, the other ${b.length}`);
  for (const [index, record] of a.entries()) {
    const other = b[index];
    if (JSON.stringify(record) !== JSON.stringify(other)) {
      throw new Error(`the clients differ: ${JSON.stringify(record)} and ${JSON.stringify(other)}`);
    }
  }
}
