/**
 * What the cleaner knows of transactions while it walks a log from its start: whose batches were aborted, and whether a marker still has
 * anything to mark.
 *
 * Data of aborted transactions may go at once. A marker may go once no batch of its transaction is left before it: it then first gets a delete
 * horizon, so that readers that are on their way still meet it (KIP-534).
 */
import { producerIdAt, recordCountAt } from "../../../protocol/records/batch.ts";
import { markerAt } from "../producer-replay.ts";
import type { AbortedTransaction } from "../transaction-index.ts";

interface OngoingAbort {
  readonly transaction: AbortedTransaction;
  /** A batch of the transaction was met, and perhaps kept without its records. */
  hasBatches: boolean;
}

export class CleanedTransactions {
  /** By first offset, the next one last. */
  readonly #upcoming: AbortedTransaction[];
  readonly #ongoingAborts = new Map<number, OngoingAbort>();
  /** Producers with a batch of a transaction that is not among the aborted ones. */
  readonly #ongoingCommits = new Set<number>();
  readonly #onAbortKept: (transaction: AbortedTransaction) => void;

  /**
   * @param aborted aborted transactions, in any order
   * @param fromOffset where the walk begins: transactions that ended before are left out
   * @param onAbortKept told of each whose marker is met with something left to mark: it belongs into the cleaned segment's index
   */
  constructor(
    aborted: readonly AbortedTransaction[],
    fromOffset: number,
    onAbortKept: (transaction: AbortedTransaction) => void = () => {},
  ) {
    this.#upcoming = aborted.filter(transaction => transaction.lastOffset >= fromOffset);
    this.#upcoming.sort((a, b) => b.firstOffset - a.firstOffset);
    this.#onAbortKept = onAbortKept;
  }

  /** Notes a batch of data. True when it is part of an aborted transaction, so that its records may go. */
  onBatch(producerId: number, lastOffset: number, isTransactional: boolean): boolean {
    this.#consumeUpTo(lastOffset);
    if (!isTransactional) return false;
    const ongoing = this.#ongoingAborts.get(producerId);
    if (ongoing === undefined) {
      this.#ongoingCommits.add(producerId);
      return false;
    }
    ongoing.hasBatches = true;
    return true;
  }

  /** Notes the control batch at `position`. True when nothing that it marks is left. */
  onControlBatch(buffer: Buffer, position: number, lastOffset: number): boolean {
    this.#consumeUpTo(lastOffset);
    const kind = controlKindAt(buffer, position);
    const producerId = producerIdAt(buffer, position);
    if (kind === "commit") return !this.#ongoingCommits.delete(producerId);
    if (kind !== "abort") return kind === "empty";
    const ongoing = this.#ongoingAborts.get(producerId);
    if (ongoing === undefined) return true;
    this.#ongoingAborts.delete(producerId);
    if (ongoing.hasBatches) this.#onAbortKept(ongoing.transaction);
    return !ongoing.hasBatches;
  }

  #consumeUpTo(offset: number): void {
    for (let next = this.#upcoming.at(-1); next !== undefined && next.firstOffset <= offset; ) {
      this.#upcoming.pop();
      if (!this.#ongoingAborts.has(next.producerId)) {
        this.#ongoingAborts.set(next.producerId, { transaction: next, hasBatches: false });
      }
      next = this.#upcoming.at(-1);
    }
  }
}

/** What the control batch at `position` is; `empty` when an earlier cleaning took its record. */
function controlKindAt(buffer: Buffer, position: number): "abort" | "commit" | "other" | "empty" {
  const marker = markerAt(buffer, position);
  if (marker !== null) return marker.isCommit ? "commit" : "abort";
  return recordCountAt(buffer, position) === 0 ? "empty" : "other";
}
