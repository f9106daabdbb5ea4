/**
 * Keeps a move of replicas from ending at once. Where a partition is empty its new replicas are in sync within milliseconds, and a client that lists what
 * is being moved right after it asked for it would find nothing, and take that for a failure (as kafkajs's own tests do).
 *
 * Kept in memory: where the controller changes, a move ends a little earlier than it would have.
 */
import type { Clock, Timer, Timers } from "../../platform/platform.ts";

export interface YoungMovesModules {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Moves may have come of age: those that are done can end. */
  readonly onAged: () => void;
}

/** For how long a move is shown at least. */
export const MOVE_SHOWN_MS = 100;

export class YoungMoves {
  readonly #modules: YoungMovesModules;
  /** When a move comes of age, by partition; in the order in which they do. */
  readonly #agedMs = new Map<string, number>();
  #timer: Timer | null = null;

  constructor(modules: YoungMovesModules) {
    this.#modules = modules;
  }

  /** A move of the partition was asked for. */
  begin(topicId: string, partition: number): void {
    const key = keyOf(topicId, partition);
    this.#agedMs.delete(key);
    this.#agedMs.set(key, this.#modules.clock.monotonic() + MOVE_SHOWN_MS);
    this.#timer ??= this.#modules.timers.after(MOVE_SHOWN_MS, () => this.#age());
  }

  /** Whether the partition's move is not to end yet. */
  isYoung(topicId: string, partition: number): boolean {
    return this.#agedMs.has(keyOf(topicId, partition));
  }

  /** Forgets all. */
  clear(): void {
    this.#timer?.clear();
    this.#timer = null;
    this.#agedMs.clear();
  }

  #age(): void {
    this.#timer = null;
    const nowMs = this.#modules.clock.monotonic();
    for (const [key, agedMs] of this.#agedMs) {
      if (agedMs > nowMs) {
        this.#timer = this.#modules.timers.after(agedMs - nowMs, () => this.#age());
        break;
      }
      this.#agedMs.delete(key);
    }
    this.#modules.onAged();
  }
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId}:${partition}`;
}
