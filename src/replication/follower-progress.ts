/**
 * What a leader knows of one follower: how far its log is durable, by its own claim, and when it was last caught up.
 *
 * A follower flushes before it asks for what comes next, so the offset that it fetches from is what it has on disk. Only a fetch that was found
 * to be of this leader's epoch and not to diverge may be noted here. Offset, broker epoch and time are noted together: what joins the ISR is what
 * has been seen, not what has been seen at different times (KAFKA-15221).
 */

/** A fetch that earned its credit. */
export interface FollowerClaim {
  /** All below is on the follower's disk. */
  readonly fetchOffset: number;
  readonly logStartOffset: number;
  /** The epoch of the follower's process; -1 when it does not say. */
  readonly brokerEpoch: number;
}

export const UNKNOWN_OFFSET = -1;

export class FollowerProgress {
  readonly id: number;
  /** The follower's flushed end; {@link UNKNOWN_OFFSET} before its first fetch in this leadership. */
  endOffset = UNKNOWN_OFFSET;
  logStartOffset = UNKNOWN_OFFSET;
  brokerEpoch = -1;
  /** Up to this time it had everything; the beginning of the leadership for members of the ISR. */
  #caughtUpMs: number;
  #fetchedMs = Number.NEGATIVE_INFINITY;
  /** The leader's end at the time of the fetch before. */
  #leaderEndOffset = UNKNOWN_OFFSET;

  /** A member of the ISR gets its time to fetch; everybody else has to show that it is caught up. */
  constructor(id: number, options: { readonly isInSync: boolean; readonly nowMs: number }) {
    this.id = id;
    this.#caughtUpMs = options.isInSync ? options.nowMs : Number.NEGATIVE_INFINITY;
  }

  /**
   * Notes a fetch. Who has now what the leader had at the fetch before was caught up then: a follower that is a round trip behind a busy leader is
   * in sync all the same.
   */
  fetched(claim: FollowerClaim, leaderEndOffset: number, nowMs: number): void {
    const { fetchOffset } = claim;
    if (fetchOffset >= leaderEndOffset) this.#caughtUpMs = Math.max(this.#caughtUpMs, nowMs);
    else if (fetchOffset >= this.#leaderEndOffset) this.#caughtUpMs = Math.max(this.#caughtUpMs, this.#fetchedMs);
    this.endOffset = fetchOffset;
    this.logStartOffset = claim.logStartOffset;
    this.brokerEpoch = claim.brokerEpoch;
    this.#fetchedMs = nowMs;
    this.#leaderEndOffset = leaderEndOffset;
  }

  /** How long it has not fetched; a member of the ISR counts as heard of when the leadership began. */
  silentMs(nowMs: number): number {
    return nowMs - Math.max(this.#fetchedMs, this.#caughtUpMs);
  }

  /** Whether it has everything, or had so within the last `lagTimeMaxMs`. */
  isCaughtUp(leaderEndOffset: number, nowMs: number, lagTimeMaxMs: number): boolean {
    return this.endOffset >= leaderEndOffset || nowMs - this.#caughtUpMs <= lagTimeMaxMs;
  }
}
