/**
 * Which leader epoch began at which offset of a log (KIP-101, KIP-279), and the text file that keeps it.
 *
 * Followers and clients that lost touch ask "where did epoch e end?" and cut their log or move their position to that point.
 */

export interface LeaderEpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

export const UNDEFINED_EPOCH = -1;
export const UNDEFINED_EPOCH_OFFSET = -1;

export class LeaderEpochs {
  /** Rising in epoch and in start offset. */
  #entries: LeaderEpochEntry[];

  constructor(entries: readonly LeaderEpochEntry[] = []) {
    this.#entries = [...entries];
  }

  get entries(): readonly LeaderEpochEntry[] {
    return this.#entries;
  }

  /** -1 when there is none. */
  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? UNDEFINED_EPOCH;
  }

  /**
   * Notes that `epoch` begins at `startOffset`. Entries that contradict the new one go: a log holds what its last leader says. Returns whether
   * anything changed.
   */
  assign(epoch: number, startOffset: number): boolean {
    const last = this.#entries.at(-1);
    if (last !== undefined && last.epoch === epoch && startOffset >= last.startOffset) return false;
    while (this.#entries.length > 0) {
      const entry = this.#entries.at(-1) as LeaderEpochEntry;
      if (entry.epoch < epoch && entry.startOffset < startOffset) break;
      this.#entries.pop();
    }
    this.#entries.push({ epoch, startOffset });
    return true;
  }

  /**
   * Where `epoch` ends: the start of the next one, or the end of the log for the latest. When the epoch itself is unknown, the answer is for the
   * largest one below it. -1, -1 when the epoch is above all that are known.
   */
  endOffsetFor(epoch: number, logEndOffset: number): { leaderEpoch: number; endOffset: number } {
    if (epoch === UNDEFINED_EPOCH) return { leaderEpoch: UNDEFINED_EPOCH, endOffset: UNDEFINED_EPOCH_OFFSET };
    if (epoch === this.latestEpoch) return { leaderEpoch: epoch, endOffset: logEndOffset };
    let at = this.#entries.findIndex(entry => entry.epoch > epoch);
    if (at < 0) return { leaderEpoch: UNDEFINED_EPOCH, endOffset: UNDEFINED_EPOCH_OFFSET };
    const endOffset = (this.#entries[at] as LeaderEpochEntry).startOffset;
    at -= 1;
    return { leaderEpoch: at < 0 ? epoch : (this.#entries[at] as LeaderEpochEntry).epoch, endOffset };
  }

  /** The epoch of the record at `offset`; -1 when it lies before all entries. */
  epochFor(offset: number): number {
    for (let at = this.#entries.length - 1; at >= 0; at -= 1) {
      const entry = this.#entries[at] as LeaderEpochEntry;
      if (entry.startOffset <= offset) return entry.epoch;
    }
    return UNDEFINED_EPOCH;
  }

  /** Drops the epochs that begin at or after `endOffset`. Returns whether anything changed. */
  truncateFromEnd(endOffset: number): boolean {
    const before = this.#entries.length;
    while (this.#entries.length > 0 && (this.#entries.at(-1) as LeaderEpochEntry).startOffset >= endOffset)
      this.#entries.pop();
    return this.#entries.length !== before;
  }

  /** The log now starts at `startOffset`: epochs that ended before go, the one that covers it begins there. Returns whether anything changed. */
  truncateFromStart(startOffset: number): boolean {
    const kept = this.#entries.filter(entry => entry.startOffset > startOffset);
    const covering = this.#entries[this.#entries.length - kept.length - 1];
    if (covering === undefined || covering.startOffset === startOffset) {
      if (this.#entries.length - kept.length <= 1) return false;
    }
    if (covering !== undefined) kept.unshift({ epoch: covering.epoch, startOffset });
    this.#entries = kept;
    return true;
  }

  clear(): void {
    this.#entries = [];
  }
}
