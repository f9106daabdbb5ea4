/**
 * How far each replica has applied the metadata, as the leader knows it: a replica's fetch says what it takes the high watermark for (KIP-1166), and it has
 * applied what it knows to be committed before it fetches again. So the leader learns of it one round trip after the commit, with no request of its own.
 */
import type { Timers } from "../platform/platform.ts";

interface Waiting {
  readonly offset: number;
  readonly replicaIds: () => Iterable<number>;
  readonly done: () => void;
}

export class AppliedPositions {
  readonly #timers: Timers;
  /** High watermarks by replica id, of this node's present leadership. */
  readonly #known = new Map<number, number>();
  readonly #waiting = new Set<Waiting>();

  constructor(modules: { readonly timers: Timers }) {
    this.#timers = modules.timers;
  }

  /** A replica has said that everything below `highWatermark` is committed. */
  note(replicaId: number, highWatermark: number): void {
    this.#known.set(replicaId, highWatermark);
    for (const waiting of [...this.#waiting]) if (this.#isReached(waiting)) waiting.done();
  }

  /** Leadership is over: who has come how far will have to be heard again. */
  forget(): void {
    this.#known.clear();
    for (const waiting of [...this.#waiting]) waiting.done();
  }

  /**
   * Resolves once all of `replicaIds` have applied everything below `offset`, or `limitMs` have passed. Which replicas those are is asked again
   * whenever one of them makes progress.
   */
  reached(offset: number, replicaIds: () => Iterable<number>, limitMs: number): Promise<void> {
    return new Promise(resolve => {
      const waiting = { offset, replicaIds, done: () => {} };
      if (this.#isReached(waiting)) {
        resolve();
        return;
      }
      waiting.done = () => {
        timer.clear();
        this.#waiting.delete(waiting);
        resolve();
      };
      const timer = this.#timers.after(limitMs, () => waiting.done());
      this.#waiting.add(waiting);
    });
  }

  #isReached({ offset, replicaIds }: Waiting): boolean {
    for (const id of replicaIds()) if ((this.#known.get(id) ?? 0) < offset) return false;
    return true;
  }
}
