/**
 * What a run of a program may rely on, and what may be found on disk besides: the model that recovered logs are held against.
 *
 * A log's contents are a branch: batches in order, only ever growing. A cut begins a new branch that shares what was below it. After a power failure
 * a log must hold the beginning of one of its branches, from its start to at least what was acknowledged of the latest. Compaction changes the latest
 * branch in its middle, a segment at a time: each swap has happened after a power failure, or it has not.
 */

export interface Batch {
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly bytes: Buffer;
}

/** Shared by all facts about a log: grows as the run goes on. No disk can hold what was not appended yet. */
export interface Branch {
  /** Where the branch begins when it holds nothing. */
  readonly startOffset: number;
  readonly batches: Batch[];
}

/** What holds for a partition at one moment. */
export interface PartitionFacts {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  /** `acknowledged`: the log must be there. `gone`: it must not, unless as a newer one of the name. */
  readonly presence: "possible" | "acknowledged" | "gone";
  /** The latest is the last. */
  readonly branches: readonly Branch[];
  /** The latest as the swap of compacted segments that is under way will leave it; null when none is. */
  readonly swapped: Branch | null;
  /** Below, offsets may be missing, and so may the batches that began an epoch or a transaction. */
  readonly compactedEnd: number;
  /** Everything below is acknowledged. */
  readonly acknowledgedEnd: number;
  /** Records below are deleted for good. */
  readonly acknowledgedStart: number;
  /** Records below have been asked to be deleted. */
  readonly requestedStart: number;
}

/** Where the latest branch ends. */
export function endOf(facts: PartitionFacts): number {
  const latest = facts.branches.at(-1)!;
  return latest.batches.at(-1)?.endOffset ?? latest.startOffset;
}

export type Facts = ReadonlyMap<string, PartitionFacts>;

interface Mark {
  /** Holds for a failure before journal entry number `at` and later, until the next mark. */
  readonly at: number;
  readonly facts: Facts;
}

export class History {
  readonly #position: () => number;
  #marks: Mark[];

  /** `position` says how long the journal is. */
  constructor(position: () => number, facts: Facts = new Map()) {
    this.#position = position;
    this.#marks = [{ at: 0, facts }];
  }

  get current(): Facts {
    return this.#marks.at(-1)!.facts;
  }

  /** What held when the journal had `position` entries. */
  at(position: number): Facts {
    let low = 0;
    let high = this.#marks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#marks[middle]!.at <= position) low = middle;
      else high = middle;
    }
    return this.#marks[low]!.facts;
  }

  partition(name: string): PartitionFacts | undefined {
    return this.current.get(name);
  }

  created(name: string, topic: string, partition: number, topicId: string): void {
    this.#set(name, {
      topic,
      partition,
      topicId,
      presence: "possible",
      branches: [{ startOffset: 0, batches: [] }],
      swapped: null,
      compactedEnd: 0,
      acknowledgedEnd: 0,
      acknowledgedStart: 0,
      requestedStart: 0,
    });
  }

  /** A batch is about to be appended. Nothing on disk may be asked about it before this. */
  appended(name: string, batch: Batch): void {
    this.#partition(name).branches.at(-1)!.batches.push(batch);
  }

  /** The append was refused. */
  appendRefused(name: string): void {
    this.#partition(name).branches.at(-1)!.batches.pop();
  }

  acknowledged(name: string, endOffset: number): void {
    const facts = this.#partition(name);
    if (facts.presence === "acknowledged" && facts.acknowledgedEnd >= endOffset) return;
    this.#set(name, {
      ...facts,
      presence: "acknowledged",
      acknowledgedEnd: Math.max(facts.acknowledgedEnd, endOffset),
    });
  }

  /** The log, which begins at `logStartOffset`, is about to be cut at `offset`: at the beginning of the batch that holds it. */
  cutting(name: string, offset: number, logStartOffset: number): void {
    const facts = this.#partition(name);
    const latest = facts.branches.at(-1)!;
    const kept = latest.batches.filter(batch => batch.endOffset <= offset);
    const endOffset = kept.at(-1)?.endOffset ?? Math.min(offset, latest.batches[0]?.baseOffset ?? latest.startOffset);
    if (endOffset < logStartOffset) {
      this.restarting(name, logStartOffset);
      return;
    }
    const branch: Branch = { startOffset: latest.startOffset, batches: kept };
    const acknowledgedEnd = Math.min(facts.acknowledgedEnd, endOffset);
    this.#set(name, { ...facts, branches: [...facts.branches, branch], acknowledgedEnd });
  }

  /** The cut did not happen; what was `before` is there still, though recovery may find less of it. */
  cutFailed(name: string, before: PartitionFacts): void {
    const facts = this.#partition(name);
    this.#set(name, { ...facts, branches: [...facts.branches, before.branches.at(-1)!] });
  }

  /** The log is about to be emptied, to begin again at `offset`. */
  restarting(name: string, offset: number): void {
    const facts = this.#partition(name);
    this.#set(name, {
      ...facts,
      branches: [...facts.branches, { startOffset: offset, batches: [] }],
      acknowledgedEnd: 0,
      acknowledgedStart: Math.min(facts.acknowledgedStart, offset),
      requestedStart: Math.max(facts.requestedStart, offset),
    });
  }

  /** Records below `offset` are about to be deleted. */
  startRequested(name: string, offset: number): void {
    const facts = this.#partition(name);
    if (offset > facts.requestedStart) this.#set(name, { ...facts, requestedStart: offset });
  }

  startAcknowledged(name: string, offset: number): void {
    const facts = this.#partition(name);
    if (offset > facts.acknowledgedStart) this.#set(name, { ...facts, acknowledgedStart: offset });
  }

  /** `batches` are about to take the place of what the latest branch has in [`from`, `to`). */
  swapping(name: string, from: number, to: number, batches: readonly Batch[]): void {
    const facts = this.#partition(name);
    const { startOffset, batches: known } = facts.branches.at(-1)!;
    const before = known.filter(batch => batch.endOffset <= from);
    const after = known.filter(batch => batch.baseOffset >= to);
    const swapped = { startOffset, batches: [...before, ...batches, ...after] };
    this.#set(name, { ...facts, swapped, compactedEnd: Math.max(facts.compactedEnd, to) });
  }

  /** The swap is over. Unless it `failed`, in which case either may be there, the log is what it left. */
  swapEnded(name: string, failed: boolean): void {
    const facts = this.#partition(name);
    const { branches, swapped } = facts;
    if (swapped !== null && !failed) this.#set(name, { ...facts, branches: [...branches, swapped], swapped: null });
  }

  deleting(name: string): void {
    this.#set(name, { ...this.#partition(name), presence: "possible", acknowledgedEnd: 0 });
  }

  /** A log of the same name and topic is about to be made, and the deletion of the old one is not durable yet. */
  recreating(name: string): void {
    const facts = this.#partition(name);
    const branches = [...facts.branches, { startOffset: 0, batches: [] }];
    this.#set(name, { ...facts, branches, acknowledgedStart: 0 });
  }

  deleted(name: string): void {
    this.#set(name, { ...this.#partition(name), presence: "gone" });
  }

  #partition(name: string): PartitionFacts {
    const facts = this.current.get(name);
    if (facts === undefined) throw new Error(`the history knows no ${name}`);
    return facts;
  }

  #set(name: string, facts: PartitionFacts): void {
    const mark = { at: this.#position(), facts: new Map(this.current).set(name, facts) };
    // Deleting at the same position replaces: nothing happened to the disk in between.
    this.#marks.push(mark);
  }
}
