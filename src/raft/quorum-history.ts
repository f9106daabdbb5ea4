/**
 * Who the voters are, as the log says it: `kraft.version` and the voter set, with the offset where each came to hold (KIP-853). A snapshot
 * at some offset carries what held there.
 */
import type { VotersRecord } from "../../protocol/internal/raft.ts";

export type Voter = VotersRecord["voters"][number];

export interface QuorumFacts {
  /** Offset of the record that said so; -1 when it comes from the bootstrap checkpoint or the configuration, hence is not in the log. */
  readonly offset: number;
  /** 0: voters are configured; 1: they are in the log. */
  readonly kraftVersion: number;
  /** Null at `kraft.version` 0. */
  readonly voters: readonly Voter[] | null;
}

const NOTHING: QuorumFacts = Object.freeze({ offset: -1, kraftVersion: 0, voters: null });

export class QuorumHistory {
  /** Ascending by offset. */
  #entries: QuorumFacts[] = [NOTHING];

  get latest(): QuorumFacts {
    return this.#entries.at(-1) as QuorumFacts;
  }

  /** What held for everything below `endOffset`. */
  at(endOffset: number): QuorumFacts {
    return this.#entries.findLast(entry => entry.offset < endOffset) ?? (this.#entries[0] as QuorumFacts);
  }

  /** Starts over from what a snapshot carries. */
  reset(facts: QuorumFacts): void {
    this.#entries = [facts];
  }

  setKraftVersion(offset: number, kraftVersion: number): void {
    this.#add({ ...this.latest, offset, kraftVersion });
  }

  setVoters(offset: number, voters: readonly Voter[]): void {
    this.#add({ ...this.latest, offset, voters });
  }

  /** Forgets what was said at and above `endOffset`: the log was cut there. */
  truncateTo(endOffset: number): void {
    this.#entries = this.#entries.filter((entry, index) => index === 0 || entry.offset < endOffset);
  }

  /** Forgets what no snapshot at or above `endOffset` can need. */
  trim(endOffset: number): void {
    const kept = this.at(endOffset);
    this.#entries = this.#entries.filter(entry => entry === kept || entry.offset >= endOffset);
  }

  #add(facts: QuorumFacts): void {
    if (facts.offset < this.latest.offset) throw new Error(`quorum record at ${facts.offset} is older than the latest`);
    this.#entries.push(facts);
  }
}
