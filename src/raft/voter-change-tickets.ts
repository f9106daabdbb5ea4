/** Changes of the voters that somebody waits for: the core gives each a number, and tells its outcome later. */
import type { VoterChangeOutcome } from "./actions.ts";

export class VoterChangeTickets {
  readonly #waiting = new Map<number, (outcome: VoterChangeOutcome) => void>();

  /** Resolves with the outcome of the change with this number. */
  outcomeOf(ticket: number): Promise<VoterChangeOutcome> {
    return new Promise(resolve => this.#waiting.set(ticket, resolve));
  }

  settle(ticket: number, outcome: VoterChangeOutcome): void {
    this.#waiting.get(ticket)?.(outcome);
    this.#waiting.delete(ticket);
  }

  /** All who wait are told the same: this node takes part no more. */
  settleAll(outcome: VoterChangeOutcome): void {
    for (const ticket of [...this.#waiting.keys()]) this.settle(ticket, outcome);
  }
}
