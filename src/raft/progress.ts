/** What a leader knows of the replicas that fetch from it, and the high watermark that follows. */
import type { ReplicaKey, VoterSet } from "./voter-set.ts";

/** One replica as its leader sees it. Times are monotonic ms. */
export interface ReplicaProgress {
  readonly key: ReplicaKey;
  /** Everything below is durable there: a follower flushes before it asks for more. -1 before its first fetch in this epoch. */
  endOffset: number;
  lastFetchMs: number;
  /** When it last had all that the leader had then (KIP-836). -1 for never. */
  lastCaughtUpMs: number;
  /** The leader's log end when it last fetched, and when that was. */
  fetchedAgainstEndOffset: number;
}

/** An observer that has not fetched for so long is forgotten; Kafka's `OBSERVER_SESSION_TIMEOUT_MS`. */
const OBSERVER_SESSION_MS = 300_000;

export class ProgressTable {
  readonly #replicas = new Map<string, ReplicaProgress>();

  /** Notes a fetch from `endOffset`. */
  fetched(key: ReplicaKey, endOffset: number, logEndOffset: number, nowMs: number): void {
    const progress = this.#of(key);
    // Caught up now, or at the time of its last fetch with what the log had then.
    if (endOffset >= logEndOffset) progress.lastCaughtUpMs = nowMs;
    else if (endOffset >= progress.fetchedAgainstEndOffset && progress.lastFetchMs >= 0) {
      progress.lastCaughtUpMs = Math.max(progress.lastCaughtUpMs, progress.lastFetchMs);
    }
    progress.fetchedAgainstEndOffset = logEndOffset;
    progress.endOffset = endOffset;
    progress.lastFetchMs = nowMs;
  }

  /** Notes that a replica is there, though what it asked for moves nothing: its log diverges, or it needs a snapshot (KAFKA-13141). */
  heardOf(key: ReplicaKey, nowMs: number): void {
    this.#of(key).lastFetchMs = nowMs;
  }

  get(key: ReplicaKey): ReplicaProgress | undefined {
    return this.#replicas.get(nameOf(key));
  }

  /** A voter's progress. Configured voters are known by their id alone: of several directories the one heard of last counts. */
  ofVoter(voters: VoterSet, id: number): ReplicaProgress | undefined {
    let found: ReplicaProgress | undefined;
    for (const progress of this.#replicas.values()) {
      if (progress.key.id !== id || !voters.has(progress.key)) continue;
      if (found === undefined || progress.lastFetchMs > found.lastFetchMs) found = progress;
    }
    return found;
  }

  /** Takes `lateMs` off everybody's silence: it was this node that did not listen. */
  forgive(lateMs: number, nowMs: number): void {
    for (const progress of this.#replicas.values()) {
      if (progress.lastFetchMs >= 0) progress.lastFetchMs = Math.min(nowMs, progress.lastFetchMs + lateMs);
    }
  }

  /** Those that fetch and do not vote. */
  observers(voters: VoterSet, nowMs: number): ReplicaProgress[] {
    const found: ReplicaProgress[] = [];
    for (const [name, progress] of this.#replicas) {
      if (voters.has(progress.key)) continue;
      if (nowMs - progress.lastFetchMs > OBSERVER_SESSION_MS) this.#replicas.delete(name);
      else found.push(progress);
    }
    return found;
  }

  /** The offset below which everything is durable on a majority of `voters`; -1 when that is not known. */
  committedOffset(voters: VoterSet, self: ReplicaKey, ownFlushedOffset: number): number {
    if (voters.size === 0) return -1;
    const ends = voters.voters.map(({ voterId }) =>
      voterId === self.id && voters.has(self) ? ownFlushedOffset : (this.ofVoter(voters, voterId)?.endOffset ?? -1),
    );
    ends.sort((a, b) => b - a);
    return ends[voters.majority - 1] as number;
  }

  /** The latest time at which a majority of `voters` had been heard of since `sinceMs`; the leader always hears itself. */
  majorityHeardMs(voters: VoterSet, self: ReplicaKey, sinceMs: number, nowMs: number): number {
    const times = voters.voters.map(({ voterId }) => {
      if (voterId === self.id && voters.has(self)) return nowMs;
      return Math.max(sinceMs, this.ofVoter(voters, voterId)?.lastFetchMs ?? -1);
    });
    times.sort((a, b) => b - a);
    return times[voters.majority - 1] ?? nowMs;
  }

  #of(key: ReplicaKey): ReplicaProgress {
    const name = nameOf(key);
    let progress = this.#replicas.get(name);
    if (progress === undefined) {
      progress = { key, endOffset: -1, lastFetchMs: -1, lastCaughtUpMs: -1, fetchedAgainstEndOffset: -1 };
      this.#replicas.set(name, progress);
    }
    return progress;
  }
}

function nameOf({ id, directoryId }: ReplicaKey): string {
  return `${id} ${directoryId}`;
}
