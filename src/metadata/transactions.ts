/**
 * Metadata transactions (KIP-868): records between a BeginTransactionRecord and an EndTransactionRecord take effect together or, with an
 * AbortTransactionRecord, not at all. Kafka uses them where one operation does not fit into one batch, and for its bootstrap records.
 */
import type { MetadataRecord } from "./records.ts";

export type TransactionBound = "BeginTransactionRecord" | "EndTransactionRecord" | "AbortTransactionRecord";

/** Whether a record begins or ends a transaction. */
export function isTransactionBound(
  record: MetadataRecord,
): record is Extract<MetadataRecord, { type: TransactionBound }> {
  const { type } = record;
  return type === "BeginTransactionRecord" || type === "EndTransactionRecord" || type === "AbortTransactionRecord";
}
