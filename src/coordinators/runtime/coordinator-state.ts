/**
 * What a shard runs: the state of one partition of a coordinator's topic, changed by records and nothing else that has to last.
 */
import type { Partition } from "../../replication/partition.ts";

/** The state of an empty partition is made by `createState`; replaying the log brings it to where the last coordinator left off. */
export interface CoordinatorState<Rec> {
  /**
   * Applies one record. `producerId` is that of the open transaction the record belongs to, {@link NOT_TRANSACTIONAL} for all others. Throws only
   * when the log contradicts the state.
   */
  apply(record: Rec, producerId: number): void;
  /** A transaction of `producerId` ended: what it wrote counts now, or never happened. */
  endTransaction(producerId: number, isCommitted: boolean): void;
  /** The log is replayed and this node decides from now on: timers are set, leftovers cleared. */
  loaded(): void;
  /** This object is not used any more: stop timers. */
  close(): void;
}

export const NOT_TRANSACTIONAL = -1;

/** Turns records into keys and values of the log, and back. */
export interface CoordinatorCodec<Rec> {
  encode(record: Rec): { readonly key: Buffer; readonly value: Buffer | null };
  /** Null for a type of record that a newer broker wrote; it is passed over. Throws when the bytes are no record. */
  decode(key: Buffer, value: Buffer | null): Rec | null;
}

/** What a shard needs of the partition it lives on. */
export type CoordinatorPartition = Pick<
  Partition,
  | "index"
  | "isLeader"
  | "leaderEpoch"
  | "highWatermark"
  | "logStartOffset"
  | "logEndOffset"
  | "append"
  | "awaitHighWatermark"
  | "read"
> & { readonly log: { readonly config: { readonly maxMessageBytes: number } } };
