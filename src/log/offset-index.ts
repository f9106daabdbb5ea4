/**
 * The sparse offset index of a segment: from an offset to a position in the `.log` file.
 *
 * On disk, as in Kafka, an entry is eight bytes: the offset relative to the segment's base and the position, both int32, big endian. The offset
 * of an entry is the *last* offset of the batch that starts at the position. In memory it is one typed array; a look-up is a binary search
 * without a system call.
 */

const ENTRY_SIZE_BYTES = 8;
const INITIAL_ENTRIES = 64;
/** Of every index without entries: most partitions of most brokers are written seldom. */
const NO_WORDS = new Int32Array(0);

export class OffsetIndex {
  readonly baseOffset: number;
  /** Relative offset and position, interleaved. */
  #words: Int32Array;
  #count = 0;

  constructor(baseOffset: number, capacity = 0) {
    this.baseOffset = baseOffset;
    this.#words = capacity === 0 ? NO_WORDS : new Int32Array(capacity * 2);
  }

  /**
   * Reads an index file. Returns null when its contents cannot be right – a partial entry, entries that do not rise, positions past the end
   * of the segment, the zeros of a file that was never trimmed – so that the caller rebuilds it from the segment.
   */
  static parse(contents: Buffer, baseOffset: number, segmentSizeBytes: number): OffsetIndex | null {
    if (contents.length % ENTRY_SIZE_BYTES !== 0) return null;
    const count = contents.length / ENTRY_SIZE_BYTES;
    const index = new OffsetIndex(baseOffset, count);
    const words = index.#words;
    let previousOffset = -1;
    let previousPosition = 0;
    for (let at = 0; at < count * 2; at += 2) {
      const relativeOffset = contents.readInt32BE(at * 4);
      const position = contents.readInt32BE(at * 4 + 4);
      if (relativeOffset <= previousOffset || position <= previousPosition || position >= segmentSizeBytes) return null;
      words[at] = previousOffset = relativeOffset;
      words[at + 1] = previousPosition = position;
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

  /** Offset of the last entry, the base offset when there is none. */
  get lastOffset(): number {
    return this.#count === 0 ? this.baseOffset : this.baseOffset + (this.#words[this.#count * 2 - 2] as number);
  }

  /** Position of the last entry, 0 when there is none. */
  get lastPosition(): number {
    return this.#count === 0 ? 0 : (this.#words[this.#count * 2 - 1] as number);
  }

  append(offset: number, position: number): void {
    if (this.#count > 0 && offset <= this.lastOffset)
      throw new RangeError(`index entry ${offset} is not above ${this.lastOffset}`);
    if (this.#count * 2 === this.#words.length) {
      const grown = new Int32Array(Math.max(INITIAL_ENTRIES * 2, this.#words.length * 2));
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[this.#count * 2] = offset - this.baseOffset;
    this.#words[this.#count * 2 + 1] = position;
    this.#count += 1;
  }

  /** Where to start scanning for `offset`: the position of the last entry at or below it, 0 when there is none. */
  positionFor(offset: number): number {
    const at = this.#floor(offset - this.baseOffset, 0);
    return at < 0 ? 0 : (this.#words[at * 2 + 1] as number);
  }

  /** The last indexed position at or below `position`, 0 when there is none. */
  floorPosition(position: number): number {
    const at = this.#floor(position, 1);
    return at < 0 ? 0 : (this.#words[at * 2 + 1] as number);
  }

  /** Drops the entries at or above `offset`. */
  truncateTo(offset: number): void {
    this.#count = this.#floor(offset - this.baseOffset - 1, 0) + 1;
  }

  /** The entries from number `from` on, in file form. */
  encode(from = 0): Buffer {
    const contents = Buffer.allocUnsafe((this.#count - from) * ENTRY_SIZE_BYTES);
    for (let at = from * 2, to = 0; at < this.#count * 2; at += 1, to += 4)
      contents.writeInt32BE(this.#words[at] as number, to);
    return contents;
  }

  /** Number of the last entry whose word at `lane` is at most `value`; -1 when none is. */
  #floor(value: number, lane: 0 | 1): number {
    const words = this.#words;
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((words[middle * 2 + lane] as number) <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
