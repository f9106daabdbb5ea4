/**
 * The invariants of the metadata quorum (RELIABILITY.md I1, I2, and I8 for its state), looked at after every event:
 *
 * - one leader at most in an epoch; it holds all that was ever told to be committed;
 * - a replica's epoch never goes back, nor does it forget its vote or the leader of an epoch, whatever happens to its process;
 * - the high watermark never goes back in a process's life, and when a leader raises it, everything below is flushed on a majority of the voters,
 *   and the last of it is of the leader's own epoch;
 * - no leader tells a replica of less than that knows to be committed: one of Kafka's would end its process;
 * - nobody's log ends below its high watermark;
 * - all are told the same batches at the same offsets, and have the same state there, however they came to it;
 * - what a client was told is committed, is;
 * - nobody has `kraft.version` 1 without voters that have directories, and once the upgrade was told to be committed, no leader is without it.
 */
import { ZERO_UUID } from "../../../protocol/schema.ts";
import type { PartitionLog } from "../../../src/log/index.ts";
import type { RaftDriver } from "../../../src/raft/driver.ts";
import type { QuorumState } from "../../../src/raft/quorum-state.ts";
import type { CommittedBatch } from "../../../src/raft/replicated-log.ts";
import { InvariantError } from "../world.ts";

/** A process that takes part in the quorum, as far as the checks look into it. */
export interface QuorumMember {
  readonly options: { readonly nodeId: number; readonly name: string; readonly directoryId: string };
  /** Null while it does not run. */
  readonly driver: RaftDriver | null;
  readonly log: PartitionLog | null;
}

/** What a replica's disk holds for sure. */
interface Durable {
  readonly node: QuorumMember;
  readonly endOffset: number;
  readonly epochAt: (offset: number) => number;
}

interface Life {
  highWatermark: number;
  leadingEpoch: number;
}

export class QuorumChecks {
  /** Name of the replica that led in each epoch. */
  readonly #leaders = new Map<number, string>();
  /** By directory id: what was persisted. */
  readonly #states = new Map<string, QuorumState>();
  readonly #lives = new WeakMap<QuorumMember, Life>();
  /** By directory id; a disk that was lost since still counts for what it held. */
  readonly #durable = new Map<string, Durable>();
  /** Committed batches by base offset, and the state behind each end offset. */
  readonly #batches = new Map<number, string>();
  readonly #hashes = new Map<number, string>([[0, "0"]]);
  readonly acked = new Set<string>();
  readonly #committedValues = new Set<string>();
  /** An administrator was told that `kraft.version` is 1. */
  upgraded = false;
  committedEndOffset = 0;
  #committedEpoch = 0;
  electionCount = 0;

  /** Looks at all running nodes. */
  afterEvent(nodes: readonly QuorumMember[]): void {
    const running = nodes.filter(({ driver, log }) => driver?.hasCore === true && log !== null);
    // Of all before anything is checked: between two looks more than one node may have gone on (seed 705).
    for (const node of running) this.noteDurable(node);
    for (const node of running) {
      const { driver } = node;
      if (driver === null) continue;
      if (!driver.core.isStateUnwritten) this.#checkState(node, driver.core.state);
      this.#checkLog(node);
    }
  }

  /** Notes what a node's disk holds; called again when its process ends. */
  noteDurable(node: QuorumMember): void {
    const { log, options } = node;
    if (log === null) return;
    const endOffset = log.flushedOffset;
    const known = this.#durable.get(options.directoryId);
    if (known?.node === node && known.endOffset === endOffset) return;
    this.#durable.set(options.directoryId, {
      node,
      endOffset,
      epochAt: offset => (offset < log.logStartOffset ? -1 : log.epochForOffset(offset)),
    });
  }

  committed(node: QuorumMember, batch: CommittedBatch, hash: string): void {
    const text = `${batch.lastOffset} e${batch.epoch} ${batch.records.map(String).join(",")}`;
    this.#same(this.#batches, batch.baseOffset, text, `${node.options.name} was told another batch`);
    const endOffset = batch.lastOffset + 1;
    this.#same(this.#hashes, endOffset, hash, `${node.options.name} has another state`);
    for (const record of batch.records) this.#committedValues.add(record.toString());
    if (endOffset > this.committedEndOffset) {
      this.committedEndOffset = endOffset;
      this.#committedEpoch = batch.epoch;
    }
  }

  snapshotLoaded(node: QuorumMember, endOffset: number, hash: string): void {
    if (endOffset === 0) return;
    this.#same(this.#hashes, endOffset, hash, `${node.options.name} loaded another state`);
  }

  /** A leader answered a replica that knows of `knownHighWatermark` with its own; each -1 for none. */
  told({ options: { name } }: QuorumMember, knownHighWatermark: number, highWatermark: number): void {
    if (highWatermark >= 0 && highWatermark < knownHighWatermark) {
      throw new InvariantError(`${name} told of a high watermark of ${highWatermark}, below ${knownHighWatermark}`);
    }
  }

  /** At the end: nothing that a client was told may be missing. */
  checkAcked(): void {
    for (const value of this.acked) {
      if (!this.#committedValues.has(value)) throw new InvariantError(`${value} was acknowledged and is not committed`);
    }
  }

  #same<K>(map: Map<K, string>, key: K, value: string, complaint: string): void {
    const known = map.get(key);
    if (known === undefined) map.set(key, value);
    else if (known !== value) throw new InvariantError(`${complaint} at ${key}: ${value}, not ${known}`);
  }

  #checkState(node: QuorumMember, state: QuorumState): void {
    const { name, directoryId } = node.options;
    const before = this.#states.get(directoryId);
    if (before === state) return;
    this.#states.set(directoryId, state);
    if (before === undefined) return;
    const complain = (what: string): never => {
      throw new InvariantError(`${name} ${what}: ${JSON.stringify(before)} became ${JSON.stringify(state)}`);
    };
    if (state.leaderEpoch < before.leaderEpoch) complain("went back to an earlier epoch");
    if (state.leaderEpoch > before.leaderEpoch) return;
    // A crash may make it forget who leads, which is written along with the vote.
    if (before.leaderId >= 0 && state.leaderId >= 0 && state.leaderId !== before.leaderId)
      complain("changed the leader");
    if (before.votedId >= 0 && state.votedId !== before.votedId) complain("forgot its vote");
    // The file of kraft.version 0 has no directory ids.
    const isNamed = state.votedDirectoryId !== ZERO_UUID;
    if (before.votedId >= 0 && isNamed && state.votedDirectoryId !== before.votedDirectoryId)
      complain("forgot its vote");
  }

  #checkLog(node: QuorumMember): void {
    const { driver, log } = node;
    if (driver === null || log === null) return;
    const life = this.#lifeOf(node);
    const { name } = node.options;
    const { core, highWatermark } = driver;
    if (highWatermark < life.highWatermark) {
      throw new InvariantError(`${name}'s high watermark went from ${life.highWatermark} to ${highWatermark}`);
    }
    if (log.logEndOffset < highWatermark) {
      throw new InvariantError(`${name}'s log ends at ${log.logEndOffset}, below its high watermark ${highWatermark}`);
    }
    this.#checkVersion(node, driver);
    const isLeader = core.leadership !== null;
    if (isLeader && life.leadingEpoch !== core.epoch) {
      life.leadingEpoch = core.epoch;
      this.#newLeader(node, core.epoch);
    }
    if (isLeader && highWatermark > life.highWatermark) this.#checkMajority(node, highWatermark);
    life.highWatermark = highWatermark;
  }

  #checkVersion({ options: { name } }: QuorumMember, { kraftVersion, voters, core }: RaftDriver): void {
    if (kraftVersion >= 1 && voters.some(({ voterDirectoryId }) => voterDirectoryId === ZERO_UUID)) {
      throw new InvariantError(`${name} has kraft.version ${kraftVersion} and voters without directories`);
    }
    // One that led before may not have heard that it does no more.
    if (this.upgraded && kraftVersion < 1 && core.leadership !== null && core.epoch >= this.#committedEpoch) {
      throw new InvariantError(
        `${name} leads epoch ${core.epoch} with kraft.version ${kraftVersion}, which was raised`,
      );
    }
  }

  #newLeader(node: QuorumMember, epoch: number): void {
    const { name, directoryId } = node.options;
    const replica = `${name} ${directoryId}`;
    const known = this.#leaders.get(epoch);
    if (known !== undefined && known !== replica) {
      throw new InvariantError(`${replica} leads epoch ${epoch}, which ${known} led`);
    }
    this.#leaders.set(epoch, replica);
    this.electionCount += 1;
    const { log } = node;
    if (log === null || this.committedEndOffset === 0) return;
    const last = this.committedEndOffset - 1;
    if (log.logEndOffset <= last) {
      throw new InvariantError(`${name} leads with a log up to ${log.logEndOffset}; ${last} was committed`);
    }
    if (last >= log.logStartOffset && log.epochForOffset(last) !== this.#committedEpoch) {
      throw new InvariantError(`${name} leads with another record at ${last} than was committed`);
    }
  }

  #checkMajority(node: QuorumMember, highWatermark: number): void {
    const { driver, log } = node;
    if (driver === null || log === null) return;
    const { voterSet: voters } = driver;
    const epoch = log.epochForOffset(highWatermark - 1);
    // A snapshot may have let the log go already.
    if (epoch >= 0 && epoch !== driver.core.epoch) {
      throw new InvariantError(
        `${node.options.name} raised the high watermark to a record of epoch ${epoch}, not its own`,
      );
    }
    const holders = new Set<number>();
    for (const [directoryId, durable] of this.#durable) {
      const id = durable.node.options.nodeId;
      if (!voters.has({ id, directoryId }) || durable.endOffset < highWatermark) continue;
      const itsEpoch = durable.epochAt(highWatermark - 1);
      if (itsEpoch === epoch || itsEpoch < 0) holders.add(id);
    }
    const count = holders.size;
    if (count < voters.majority) {
      throw new InvariantError(
        `${node.options.name} raised the high watermark to ${highWatermark}, durable on ${count} of ${voters.size} voters`,
      );
    }
  }

  #lifeOf(node: QuorumMember): Life {
    let life = this.#lives.get(node);
    if (life === undefined) {
      // What a snapshot covers is committed from the start.
      life = { highWatermark: node.driver?.latestSnapshotId?.endOffset ?? 0, leadingEpoch: -1 };
      this.#lives.set(node, life);
    }
    return life;
  }
}
