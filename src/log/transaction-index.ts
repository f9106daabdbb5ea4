/**
 * The aborted transactions of a segment, for readers of committed records only.
 *
 * On disk, as in Kafka, an entry is 34 bytes: version (int16, 0), producer id, first offset, last offset and last stable offset (int64 each).
 * It is written when the abort marker is appended to the segment; a segment without aborts has no such file.
 */

const ENTRY_SIZE_BYTES = 34;
const VERSION = 0;

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the abort marker. */
  readonly lastOffset: number;
  /** The last stable offset once this transaction was over: tells a reader where it may stop looking. */
  readonly lastStableOffset: number;
}

export class TransactionIndex {
  readonly #entries: AbortedTransaction[];

  constructor(entries: AbortedTransaction[] = []) {
    this.#entries = entries;
  }

  /** Reads an index file; null when its contents cannot be right. */
  static parse(contents: Buffer): TransactionIndex | null {
    if (contents.length % ENTRY_SIZE_BYTES !== 0) return null;
    const entries: AbortedTransaction[] = [];
    for (let at = 0; at < contents.length; at += ENTRY_SIZE_BYTES) {
      if (contents.readInt16BE(at) < VERSION) return null;
      const entry = {
        producerId: Number(contents.readBigInt64BE(at + 2)),
        firstOffset: Number(contents.readBigInt64BE(at + 10)),
        lastOffset: Number(contents.readBigInt64BE(at + 18)),
        lastStableOffset: Number(contents.readBigInt64BE(at + 26)),
      };
      const previous = entries.at(-1);
      if (entry.firstOffset > entry.lastOffset) return null;
      if (previous !== undefined && previous.lastOffset >= entry.lastOffset) return null;
      entries.push(entry);
    }
    return new TransactionIndex(entries);
  }

  get count(): number {
    return this.#entries.length;
  }

  append(transaction: AbortedTransaction): void {
    this.#entries.push(transaction);
  }

  /**
   * Collects into `found` the transactions that overlap the offsets [`from`, `to`). Returns true once no later segment can hold one.
   */
  collect(from: number, to: number, found: AbortedTransaction[]): boolean {
    for (const entry of this.#entries) {
      if (entry.lastOffset >= from && entry.firstOffset < to) found.push(entry);
      if (entry.lastStableOffset >= to) return true;
    }
    return false;
  }

  /** Drops the transactions whose marker is at or above `offset`. */
  truncateTo(offset: number): void {
    while (this.#entries.length > 0 && (this.#entries.at(-1) as AbortedTransaction).lastOffset >= offset)
      this.#entries.pop();
  }

  encode(): Buffer {
    const contents = Buffer.allocUnsafe(this.#entries.length * ENTRY_SIZE_BYTES);
    let at = 0;
    for (const entry of this.#entries) {
      contents.writeInt16BE(VERSION, at);
      contents.writeBigInt64BE(BigInt(entry.producerId), at + 2);
      contents.writeBigInt64BE(BigInt(entry.firstOffset), at + 10);
      contents.writeBigInt64BE(BigInt(entry.lastOffset), at + 18);
      contents.writeBigInt64BE(BigInt(entry.lastStableOffset), at + 26);
      at += ENTRY_SIZE_BYTES;
    }
    return contents;
  }
}
