/** The count of one election: who was asked, and what they said. */
import type { VoterSet } from "./voter-set.ts";

export type ElectionResult = "open" | "won" | "lost";

export class Votes {
  readonly #answers = new Map<number, boolean>();
  readonly #unreachable = new Set<number>();

  /** Notes an answer; the first one of each voter counts. */
  record(voterId: number, isGranted: boolean): void {
    if (!this.#answers.has(voterId)) this.#answers.set(voterId, isGranted);
    this.#unreachable.delete(voterId);
  }

  /** Notes that a voter could not be asked: nothing is expected of it for now. */
  noteUnreachable(voterId: number): void {
    this.#unreachable.add(voterId);
  }

  get hasRefusal(): boolean {
    return [...this.#answers.values()].includes(false);
  }

  hasAnswered(voterId: number): boolean {
    return this.#answers.has(voterId);
  }

  /** Ids of those who granted their vote, ascending. */
  get granting(): number[] {
    return [...this.#answers]
      .filter(([, isGranted]) => isGranted)
      .map(([voterId]) => voterId)
      .sort((a, b) => a - b);
  }

  /** The outcome among `voters`; answers of others do not count. */
  result(voters: VoterSet): ElectionResult {
    let granted = 0;
    let expected = 0;
    for (const { voterId } of voters.voters) {
      const answer = this.#answers.get(voterId);
      if (answer === true) granted += 1;
      else if (answer === undefined && !this.#unreachable.has(voterId)) expected += 1;
    }
    if (granted >= voters.majority) return "won";
    return granted + expected < voters.majority ? "lost" : "open";
  }
}
