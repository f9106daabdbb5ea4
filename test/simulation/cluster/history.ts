/**
 * What clients did and what they were told: the other half of every check.
 *
 * A record's value names its producer's life, its partition and its number in that life, so that reading it back tells everything about it.
 */
import { InvariantError } from "../world.ts";

/** `topic-partition`. */
export type PartitionKey = string;

export function keyOf(topic: string, partition: number): PartitionKey {
  return `${topic}-${partition}`;
}

/** A record as it was read, or as its acknowledgement placed it. */
export interface PlacedRecord {
  readonly value: string;
  /** -1 where it is not known: an acknowledgement does not tell it. */
  readonly leaderEpoch: number;
}

export interface SentValue {
  readonly key: PartitionKey;
  /** The producer's life; its records are numbered from 0 in each partition. */
  readonly life: string;
  readonly number: number;
  /** Whether the producer is idempotent and waits for all replicas. */
  readonly isCareful: boolean;
}

export class PartitionHistory {
  readonly key: PartitionKey;
  /** What was seen to be at each offset, by acknowledgement or by reading. */
  readonly placed = new Map<number, PlacedRecord>();
  readonly #offsets = new Map<string, number>();
  /** Acknowledged without an offset. */
  readonly ackedSomewhere = new Set<string>();
  readonly ackedOffsets = new Set<number>();
  /** Where the log may begin: an acknowledged deletion is done, one asked for may be. */
  deletedTo = 0;
  maybeDeletedTo = 0;
  /** After the last acknowledged or read record. */
  endOffset = 0;

  constructor(key: PartitionKey) {
    this.key = key;
  }

  offsetOf(value: string): number | undefined {
    return this.#offsets.get(value);
  }

  place(offset: number, value: string, leaderEpoch: number, how: string): void {
    const known = this.placed.get(offset);
    if (known !== undefined && known.value !== value) {
      throw new InvariantError(`${this.key}@${offset} ${how} as ${value}, but was ${known.value}`);
    }
    if (known !== undefined && leaderEpoch >= 0 && known.leaderEpoch >= 0 && known.leaderEpoch !== leaderEpoch) {
      throw new InvariantError(
        `${this.key}@${offset} ${how} with leader epoch ${leaderEpoch}, but had ${known.leaderEpoch}`,
      );
    }
    const elsewhere = this.#offsets.get(value);
    if (elsewhere !== undefined && elsewhere !== offset) {
      throw new InvariantError(`${this.key}: ${value} ${how} at ${offset}, but is at ${elsewhere} too`);
    }
    if (known === undefined || known.leaderEpoch < 0) this.placed.set(offset, { value, leaderEpoch });
    this.#offsets.set(value, offset);
    this.endOffset = Math.max(this.endOffset, offset + 1);
  }
}

/** An attempt to change something that was answered, or was not. */
export interface CommitAttempt {
  readonly offset: number;
  readonly metadata: string;
}

export class History {
  readonly partitions = new Map<PartitionKey, PartitionHistory>();
  readonly sent = new Map<string, SentValue>();
  ackedCount = 0;
  readCount = 0;
  commitCount = 0;
  adminCount = 0;
  /** Processes of brokers started so far. */
  startCount = 0;
  /** Retries that a broker could not tell to be duplicates any more. */
  forgottenCount = 0;
  /** By group and partition: the last commit that was acknowledged, and those of which nobody knows. */
  readonly commits = new Map<string, { acked: CommitAttempt | null; unknown: CommitAttempt[] }>();
  /** Topics that come and go: whether each is there, or null where nobody knows. */
  readonly comings = new Map<string, boolean | null>();

  partition(key: PartitionKey): PartitionHistory {
    let partition = this.partitions.get(key);
    if (partition === undefined) {
      partition = new PartitionHistory(key);
      this.partitions.set(key, partition);
    }
    return partition;
  }

  send(value: string, sent: SentValue): void {
    this.sent.set(value, sent);
  }

  /** A batch was acknowledged; `baseOffset` is -1 where the broker only says that it has it already. */
  acked(key: PartitionKey, baseOffset: number, values: readonly string[]): void {
    const partition = this.partition(key);
    this.ackedCount += values.length;
    for (const [index, value] of values.entries()) {
      if (baseOffset < 0) partition.ackedSomewhere.add(value);
      else {
        partition.place(baseOffset + index, value, -1, "was acknowledged");
        partition.ackedOffsets.add(baseOffset + index);
      }
    }
  }

  read(key: PartitionKey, offset: number, value: string, leaderEpoch: number): void {
    const sent = this.sent.get(value);
    if (sent === undefined) throw new InvariantError(`${key}@${offset} holds ${value}, which nobody wrote`);
    if (sent.key !== key) throw new InvariantError(`${key}@${offset} holds ${value}, written to ${sent.key}`);
    this.readCount += 1;
    this.partition(key).place(offset, value, leaderEpoch, "was read");
  }
}

/** Checks one reader's way through a partition: no gap, nothing twice, each life's records in order without a hole. */
export class ReadOrder {
  readonly #history: History;
  readonly #key: PartitionKey;
  readonly #lastNumbers = new Map<string, number>();
  /** Where it began, and where it goes on. */
  readonly startOffset: number;
  nextOffset: number;

  constructor(key: PartitionKey, startOffset: number, history: History) {
    this.#history = history;
    this.#key = key;
    this.startOffset = startOffset;
    this.nextOffset = startOffset;
  }

  read(offset: number, value: string, leaderEpoch: number): void {
    if (offset !== this.nextOffset) {
      throw new InvariantError(`${this.#key}: after ${this.nextOffset - 1} came ${offset}`);
    }
    this.nextOffset = offset + 1;
    this.#history.read(this.#key, offset, value, leaderEpoch);
    const { life, number, isCareful } = this.#history.sent.get(value)!;
    if (!isCareful) return;
    const last = this.#lastNumbers.get(life);
    const isNext = last === undefined ? number === 0 || this.startOffset > 0 : number === last + 1;
    if (!isNext) {
      throw new InvariantError(`${this.#key}@${offset}: record ${number} of ${life} came after ${last ?? "none"}`);
    }
    this.#lastNumbers.set(life, number);
  }
}

/** The text of a record's value. */
export function textOf(value: Buffer | null): string {
  return value === null ? "" : value.toString("latin1");
}
