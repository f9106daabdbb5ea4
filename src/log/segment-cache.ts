/**
 * Which inactive segments hold an open file and loaded indexes: the most recently used ones, so that neither descriptors nor memory grow with
 * the number of segments on disk. Active segments stay open and are not counted.
 */

/** Something that can let go of its file and indexes and get them back on the next use. */
export interface Evictable {
  release(): void;
}

export class SegmentCache {
  readonly #limit: number;
  /** A map iterates in insertion order: the first is the one unused for longest. */
  readonly #used = new Map<Evictable, true>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#used.size;
  }

  touch(segment: Evictable): void {
    this.#used.delete(segment);
    this.#used.set(segment, true);
    if (this.#used.size <= this.#limit) return;
    const oldest = this.#used.keys().next().value!;
    this.#used.delete(oldest);
    oldest.release();
  }

  forget(segment: Evictable): void {
    this.#used.delete(segment);
  }
}
