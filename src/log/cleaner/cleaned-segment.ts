/**
 * Writing a segment anew beside the old ones: the four files with `.cleaned` behind their names. They mean nothing until the swap renames them;
 * one found at start is removed.
 */
import { batchSizeAt } from "../../../protocol/records/batch.ts";
import { joinPath } from "../../platform/files.ts";
import type { Disk, File } from "../../platform/platform.ts";
import {
  CLEANED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetPrefix,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from "../file-names.ts";
import { IndexBuilder, SEGMENT_SUFFIXES } from "../segment.ts";
import { type AbortedTransaction, TransactionIndex } from "../transaction-index.ts";

export interface CleanedSegmentOptions {
  readonly directory: string;
  readonly baseOffset: number;
  readonly indexIntervalBytes: number;
  /** The old segment of this name has a transaction index, so the new one gets a file too, be it empty: none must outlive its log. */
  readonly replacesTransactionIndex: boolean;
}

export class CleanedSegmentWriter {
  readonly #options: CleanedSegmentOptions;
  readonly #disk: Disk;
  readonly #file: File;
  readonly #indexes: IndexBuilder;
  readonly #transactionIndex = new TransactionIndex();
  #sizeBytes = 0;
  /** Not written yet; they may lie in a buffer that is about to be used again. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(options: CleanedSegmentOptions, modules: { disk: Disk }) {
    this.#options = options;
    this.#disk = modules.disk;
    this.#indexes = new IndexBuilder(options.baseOffset, options.indexIntervalBytes);
    for (const suffix of SEGMENT_SUFFIXES) this.#disk.remove(this.#path(suffix));
    this.#file = this.#disk.open(this.#path(LOG_SUFFIX), "create");
  }

  /** Bytes of batches so far. */
  get sizeBytes(): number {
    return this.#sizeBytes + this.#pendingBytes;
  }

  /** Adds the batch at `position`. Its bytes are needed until {@link write}. */
  add(buffer: Buffer, position: number): void {
    const sizeBytes = batchSizeAt(buffer, position);
    this.#indexes.add(buffer, position, this.sizeBytes);
    const last = this.#pending.at(-1);
    // Neighbours in one buffer are written as one slice.
    if (
      last !== undefined &&
      last.buffer === buffer.buffer &&
      last.byteOffset + last.length === buffer.byteOffset + position
    ) {
      const start = last.byteOffset - buffer.byteOffset;
      if (start >= 0) {
        this.#pending[this.#pending.length - 1] = buffer.subarray(start, position + sizeBytes);
        this.#pendingBytes += sizeBytes;
        return;
      }
    }
    this.#pending.push(buffer.subarray(position, position + sizeBytes));
    this.#pendingBytes += sizeBytes;
  }

  addAbortedTransaction(transaction: AbortedTransaction): void {
    this.#transactionIndex.append(transaction);
  }

  /** Writes what was added. Returns how many bytes that were. */
  write(): number {
    const sizeBytes = this.#pendingBytes;
    if (sizeBytes > 0) this.#file.writev(this.#pending, this.#sizeBytes);
    this.#sizeBytes += sizeBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    return sizeBytes;
  }

  /** Writes the indexes and makes everything durable, names included. Returns whether there is a transaction index. */
  finish(): boolean {
    this.write();
    this.#file.syncNow();
    this.#file.close();
    this.#indexes.finish();
    this.#writeIndex(OFFSET_INDEX_SUFFIX, this.#indexes.offsetIndex.encode());
    this.#writeIndex(TIME_INDEX_SUFFIX, this.#indexes.timeIndex.encode());
    const hasTransactionIndex = this.#transactionIndex.count > 0 || this.#options.replacesTransactionIndex;
    if (hasTransactionIndex) this.#writeIndex(TRANSACTION_INDEX_SUFFIX, this.#transactionIndex.encode());
    this.#disk.syncDirectory(this.#options.directory);
    return hasTransactionIndex;
  }

  /** Removes the files again. */
  discard(): void {
    this.#file.close();
    for (const suffix of SEGMENT_SUFFIXES) this.#disk.remove(this.#path(suffix));
  }

  #writeIndex(suffix: string, bytes: Buffer): void {
    const file = this.#disk.open(this.#path(suffix), "create");
    try {
      if (bytes.length > 0) file.writev([bytes], 0);
      file.syncNow();
    } finally {
      file.close();
    }
  }

  #path(suffix: string): string {
    return joinPath(this.#options.directory, offsetPrefix(this.#options.baseOffset) + suffix + CLEANED_SUFFIX);
  }
}
