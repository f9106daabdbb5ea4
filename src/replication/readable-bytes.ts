/**
 * How many bytes a rise of the high watermark makes readable: the ends of what was appended above it, and the bytes appended up to each.
 *
 * Two flat arrays, for there is an entry for every batch of a producer.
 */
export class ReadableBytes {
  #offsets: number[] = [];
  #totals: number[] = [];
  #head = 0;
  #appendedBytes = 0;
  #readableBytes = 0;

  /** `sizeBytes` were appended, up to `endOffset`. */
  appended(endOffset: number, sizeBytes: number): void {
    this.#appendedBytes += sizeBytes;
    this.#offsets.push(endOffset);
    this.#totals.push(this.#appendedBytes);
  }

  /** What ended above `endOffset` is gone. */
  cut(endOffset: number): void {
    const offsets = this.#offsets;
    while (offsets.length > this.#head && offsets[offsets.length - 1]! > endOffset) {
      offsets.pop();
      this.#totals.pop();
    }
    const isAnyLeft = offsets.length > this.#head;
    this.#appendedBytes = isAnyLeft ? this.#totals[offsets.length - 1]! : this.#readableBytes;
  }

  /** Returns how many bytes became readable with the high watermark at `highWatermark`. */
  advance(highWatermark: number): number {
    const offsets = this.#offsets;
    let head = this.#head;
    let total = this.#readableBytes;
    while (head < offsets.length && offsets[head]! <= highWatermark) total = this.#totals[head++]!;
    const gained = total - this.#readableBytes;
    this.#readableBytes = total;
    if (head === offsets.length) {
      offsets.length = 0;
      this.#totals.length = 0;
      head = 0;
    } else if (head > 1024 && head * 2 > offsets.length) {
      this.#offsets = offsets.slice(head);
      this.#totals = this.#totals.slice(head);
      head = 0;
    }
    this.#head = head;
    return gained;
  }
}
