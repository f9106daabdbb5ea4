/**
 * Which ranges of a log's files were written so lately that the system still has them in memory: reading those does not wait for a device, and is done
 * at once, without a trip through the thread pool.
 *
 * "Lately" is told in bytes, not in time: what all logs of a broker have written since. Each log notes now and then how much that was.
 */
import type { Segment } from "./segment.ts";

/** A log's notes lie so far apart, or closer where little counts as lately. */
const LARGEST_STEP_BYTES = 16 * 1024 * 1024;
const NOTES = 16;

/** Counts what all logs of a broker write. */
export class WriteClock {
  /** What was written last and so much at most is in memory. */
  readonly limitBytes: number;
  readonly stepBytes: number;
  totalBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
    this.stepBytes = Math.min(LARGEST_STEP_BYTES, limitBytes / NOTES);
  }
}

interface Note {
  readonly segment: Segment;
  readonly position: number;
  readonly totalBytes: number;
}

/** Of one log. */
export class WriteRecency {
  readonly #clock: WriteClock;
  /** In the order of their positions. None where nothing was written lately. */
  #notes: Note[] = [];

  constructor(clock: WriteClock) {
    this.#clock = clock;
  }

  /** `sizeBytes` are written at `position`, the end of `segment`. */
  wrote(segment: Segment, position: number, sizeBytes: number): void {
    const clock = this.#clock;
    const { totalBytes } = clock;
    clock.totalBytes += sizeBytes;
    let last = this.#notes.at(-1);
    // The log was cut since.
    while (last?.segment === segment && last.position > position) {
      this.#notes.pop();
      last = this.#notes.at(-1);
    }
    if (last?.segment === segment && position - last.position < clock.stepBytes) return;
    this.#notes.push({ segment, position, totalBytes });
    this.#forgetOld();
  }

  /** Whether what stands in `segment` from `position` on was written here, and lately. */
  isRecent(segment: Segment, position: number): boolean {
    for (let index = this.#notes.length - 1; index >= 0; index -= 1) {
      const note = this.#notes[index]!;
      if (note.segment === segment && note.position <= position) return this.#isRecent(note);
    }
    return false;
  }

  #isRecent({ totalBytes }: Note): boolean {
    return this.#clock.totalBytes - totalBytes <= this.#clock.limitBytes;
  }

  #forgetOld(): void {
    let count = 0;
    while (count < this.#notes.length && !this.#isRecent(this.#notes[count]!)) count += 1;
    if (count > 0) this.#notes = this.#notes.slice(count);
  }
}
