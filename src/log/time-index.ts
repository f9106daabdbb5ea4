/**
 * The sparse time index of a segment: from a timestamp to an offset.
 *
 * On disk, as in Kafka, an entry is twelve bytes: the largest timestamp seen so far (int64) and the offset relative to the segment's base
 * (int32), big endian. It says: up to this offset no record has a larger timestamp. Entries rise in both.
 */

const ENTRY_SIZE_BYTES = 12;
const INITIAL_ENTRIES = 64;
/** Of every index without entries: most partitions of most brokers are written seldom. */
const NO_TIMESTAMPS = new Float64Array(0);
const NO_OFFSETS = new Int32Array(0);
const NO_TIMESTAMP = -1;

export class TimeIndex {
  readonly baseOffset: number;
  #timestamps: Float64Array;
  #relativeOffsets: Int32Array;
  #count = 0;

  constructor(baseOffset: number, capacity = 0) {
    this.baseOffset = baseOffset;
    this.#timestamps = capacity === 0 ? NO_TIMESTAMPS : new Float64Array(capacity);
    this.#relativeOffsets = capacity === 0 ? NO_OFFSETS : new Int32Array(capacity);
  }

  /** Reads an index file; null when its contents cannot be right, so that the caller rebuilds it from the segment. */
  static parse(contents: Buffer, baseOffset: number): TimeIndex | null {
    if (contents.length % ENTRY_SIZE_BYTES !== 0) return null;
    const count = contents.length / ENTRY_SIZE_BYTES;
    const index = new TimeIndex(baseOffset, count);
    let previousTimestamp = NO_TIMESTAMP;
    let previousOffset = 0;
    for (let at = 0; at < count; at += 1) {
      const timestamp = contents.readInt32BE(at * 12) * 2 ** 32 + contents.readUInt32BE(at * 12 + 4);
      const relativeOffset = contents.readInt32BE(at * 12 + 8);
      // Two entries may share an offset: the last batch's timestamp was not yet the segment's largest when it was first indexed.
      if (timestamp <= previousTimestamp || relativeOffset < previousOffset) return null;
      index.#timestamps[at] = previousTimestamp = timestamp;
      index.#relativeOffsets[at] = previousOffset = relativeOffset;
    }
    index.#count = count;
    return index;
  }

  /** How many entries a file of `sizeBytes` has room for. */
  static entriesIn(sizeBytes: number): number {
    return Math.floor(sizeBytes / ENTRY_SIZE_BYTES);
  }

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#count * ENTRY_SIZE_BYTES;
  }

  /** -1 when the index is empty. */
  get lastTimestamp(): number {
    return this.#count === 0 ? NO_TIMESTAMP : (this.#timestamps[this.#count - 1] as number);
  }

  /** The base offset when the index is empty. */
  get lastOffset(): number {
    return this.#count === 0 ? this.baseOffset : this.baseOffset + (this.#relativeOffsets[this.#count - 1] as number);
  }

  /** Appends an entry if `timestamp` is above the last one. */
  maybeAppend(timestamp: number, offset: number): void {
    if (timestamp <= this.lastTimestamp) return;
    if (this.#count === this.#timestamps.length) this.#grow();
    this.#timestamps[this.#count] = timestamp;
    this.#relativeOffsets[this.#count] = offset - this.baseOffset;
    this.#count += 1;
  }

  /** An offset from which to scan for the first record with a timestamp of at least `timestamp`: every record below it has a smaller one. */
  offsetFor(timestamp: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timestamps[middle] as number) < timestamp) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? this.baseOffset : this.baseOffset + (this.#relativeOffsets[low - 1] as number);
  }

  /** Drops the entries at or above `offset`. */
  truncateTo(offset: number): void {
    const relativeOffset = offset - this.baseOffset;
    while (this.#count > 0 && (this.#relativeOffsets[this.#count - 1] as number) >= relativeOffset) this.#count -= 1;
  }

  /** The entries from number `from` on, in file form. */
  encode(from = 0): Buffer {
    const contents = Buffer.allocUnsafe((this.#count - from) * ENTRY_SIZE_BYTES);
    for (let at = from, to = 0; at < this.#count; at += 1, to += ENTRY_SIZE_BYTES) {
      const timestamp = this.#timestamps[at] as number;
      contents.writeInt32BE(Math.floor(timestamp / 2 ** 32), to);
      contents.writeUInt32BE(timestamp >>> 0, to + 4);
      contents.writeInt32BE(this.#relativeOffsets[at] as number, to + 8);
    }
    return contents;
  }

  #grow(): void {
    const capacity = Math.max(INITIAL_ENTRIES, this.#timestamps.length * 2);
    const timestamps = new Float64Array(capacity);
    const relativeOffsets = new Int32Array(capacity);
    timestamps.set(this.#timestamps);
    relativeOffsets.set(this.#relativeOffsets);
    this.#timestamps = timestamps;
    this.#relativeOffsets = relativeOffsets;
  }
}
