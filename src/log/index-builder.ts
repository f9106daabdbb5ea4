/** Building the indexes of a segment from its batches, by the rules by which appends make them. */
import { lastOffsetAt, maxTimestampAt } from "../../protocol/records/batch.ts";
import { OffsetIndex } from "./offset-index.ts";
import { TimeIndex } from "./time-index.ts";

const NO_TIMESTAMP = -1;

/** Builds the offset and time index of a segment from its batches, by the rules by which appends make them. */
export class IndexBuilder {
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  readonly #intervalBytes: number;
  #lastIndexedPosition = 0;
  #maxTimestamp = NO_TIMESTAMP;
  #offsetOfMaxTimestamp: number;

  constructor(baseOffset: number, intervalBytes: number) {
    this.offsetIndex = new OffsetIndex(baseOffset);
    this.timeIndex = new TimeIndex(baseOffset);
    this.#offsetOfMaxTimestamp = baseOffset;
    this.#intervalBytes = intervalBytes;
  }

  /** Notes the batch at `position` of `buffer`, which stands at `filePosition`. */
  add(buffer: Buffer, position: number, filePosition: number): void {
    const lastOffset = lastOffsetAt(buffer, position);
    const timestamp = maxTimestampAt(buffer, position);
    if (timestamp > this.#maxTimestamp) {
      this.#maxTimestamp = timestamp;
      this.#offsetOfMaxTimestamp = lastOffset;
    }
    if (filePosition - this.#lastIndexedPosition > this.#intervalBytes) {
      this.offsetIndex.append(lastOffset, filePosition);
      this.timeIndex.maybeAppend(this.#maxTimestamp, this.#offsetOfMaxTimestamp);
      this.#lastIndexedPosition = filePosition;
    }
  }

  finish(): void {
    if (this.#maxTimestamp >= 0) this.timeIndex.maybeAppend(this.#maxTimestamp, this.#offsetOfMaxTimestamp);
  }
}
