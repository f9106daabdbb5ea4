/**
 * Cores that talk to each other by hand: no time passes and nothing is delivered unless the test says so. Their logs are lists of batches.
 */
import { Errors } from "../../../protocol/errors.ts";
import type { Action, UpdateVoter } from "../../../src/raft/actions.ts";
import { type ControlRecord, decodeBatches, encodeControlBatch, encodeRecordBatch } from "../../../src/raft/batches.ts";
import { noteControlRecords } from "../../../src/raft/control-history.ts";
import { RaftCore } from "../../../src/raft/core.ts";
import { DEFAULT_QUORUM_TIMEOUTS, ElectionTiming } from "../../../src/raft/election-timing.ts";
import type { LogView } from "../../../src/raft/fetch-decision.ts";
import type { OffsetAndEpoch } from "../../../src/raft/messages.ts";
import { QuorumHistory } from "../../../src/raft/quorum-history.ts";
import type { QuorumState } from "../../../src/raft/quorum-state.ts";
import { newVoter } from "../../../src/raft/voter-changes.ts";
import { KRAFT_VERSION_RANGE, type ReplicaKey, VoterSet } from "../../../src/raft/voter-set.ts";

const LISTENER = "CONTROLLER";

interface Entry {
  readonly offset: number;
  readonly epoch: number;
  readonly bytes: Buffer;
  readonly count: number;
}

export class ListLog implements LogView {
  entries: Entry[] = [];
  flushedOffset = 0;
  logStartOffset = 0;
  earliestSnapshotId: OffsetAndEpoch | null = null;
  latestSnapshotId: OffsetAndEpoch | null = null;

  get logEndOffset(): number {
    const last = this.entries.at(-1);
    return last === undefined ? this.logStartOffset : last.offset + last.count;
  }

  get lastEpoch(): number {
    return this.entries.at(-1)?.epoch ?? this.latestSnapshotId?.epoch ?? 0;
  }

  endOffsetForEpoch(epoch: number): OffsetAndEpoch {
    if (this.entries.length === 0 || epoch > this.lastEpoch) return { epoch: -1, endOffset: -1 };
    const later = this.entries.find(entry => entry.epoch > epoch);
    const before = this.entries.findLast(entry => entry.epoch <= epoch);
    return { epoch: before?.epoch ?? epoch, endOffset: later?.offset ?? this.logEndOffset };
  }

  flush(): void {
    this.flushedOffset = this.logEndOffset;
  }

  truncateTo(offset: number): void {
    this.entries = this.entries.filter(entry => entry.offset < offset);
    this.flushedOffset = Math.min(this.flushedOffset, this.logEndOffset);
  }

  from(offset: number): Buffer {
    return Buffer.concat(this.entries.filter(entry => entry.offset >= offset).map(({ bytes }) => bytes));
  }
}

export function keyOfNode(id: number): ReplicaKey {
  return { id, directoryId: `${"d".repeat(20)}${id}A` };
}

export function voterOf(id: number) {
  return newVoter(keyOfNode(id), [{ name: LISTENER, host: `n${id}`, port: 9093 }]);
}

/** What a voter tells the leader of an epoch about itself. */
export function descriptionOf(id: number, epoch: number): UpdateVoter {
  return { epoch, key: keyOfNode(id), endpoints: voterOf(id).endpoints, ...KRAFT_VERSION_RANGE };
}

export class CoreNode {
  readonly log = new ListLog();
  readonly quorum = new QuorumHistory();
  readonly key: ReplicaKey;
  readonly #staticVoters: VoterSet;
  core: RaftCore;
  /** All actions there ever were, and what was persisted. */
  readonly actions: Action[] = [];
  persisted: QuorumState | null = null;
  nowMs = 0;
  /** Fraction that the core's chance always is. */
  chance = 0;

  constructor(id: number, voterIds: readonly number[], options: { key?: ReplicaKey; isStatic?: boolean } = {}) {
    this.key = options.key ?? keyOfNode(id);
    const isStatic = options.isStatic ?? false;
    if (!isStatic) this.quorum.reset({ offset: -1, kraftVersion: 1, voters: voterIds.map(voterOf) });
    const staticVoters = isStatic ? voterIds.map(voterId => ({ id: voterId, host: `n${voterId}`, port: 9093 })) : [];
    this.#staticVoters = VoterSet.ofStatic(staticVoters, LISTENER);
    this.core = this.#create(null);
  }

  #create(state: QuorumState | null): RaftCore {
    const random = { float: () => this.chance, integer: () => 0, bytes: (size: number) => Buffer.alloc(size) };
    return new RaftCore(
      {
        self: this.key,
        endpoints: [{ name: LISTENER, host: `n${this.key.id}`, port: 9093 }],
        listenerName: LISTENER,
        staticVoters: this.#staticVoters,
        hasBootstrapServers: false,
        autoJoin: false,
      },
      { log: this.log, quorum: this.quorum, timing: new ElectionTiming(DEFAULT_QUORUM_TIMEOUTS, { random }) },
      state,
    );
  }

  /** The process dies and starts again with what was persisted and flushed. */
  restart(): void {
    this.log.truncateTo(this.log.flushedOffset);
    this.quorum.truncateTo(this.log.logEndOffset);
    this.core = this.#create(this.persisted);
    this.perform(this.core.start(0, this.nowMs));
  }

  /** Performs what concerns the node alone; what is to be sent stays in {@link actions}. */
  perform(actions: readonly Action[]): readonly Action[] {
    for (const action of actions) {
      this.actions.push(action);
      if (action.type === "persist") this.persisted = action.state;
      else if (action.type === "appendControls") this.appendControls(action.epoch, action.controls);
      else if (action.type === "truncate") {
        this.log.truncateTo(action.endOffset);
        this.quorum.truncateTo(action.endOffset);
        this.perform(this.core.logChanged(this.nowMs));
      } else if (action.type === "append") {
        let position = 0;
        for (const batch of decodeBatches(action.records)) {
          const bytes = action.records.subarray(position, position + batch.sizeBytes);
          position += batch.sizeBytes;
          const count = batch.lastOffset - batch.baseOffset + 1;
          this.log.entries.push({ offset: batch.baseOffset, epoch: batch.epoch, bytes, count });
          if (batch.isControl) noteControlRecords(this.quorum, batch.baseOffset, batch.controls);
        }
        this.perform(this.core.logChanged(this.nowMs));
      }
    }
    return actions;
  }

  appendControls(epoch: number, controls: readonly ControlRecord[]): void {
    const offset = this.log.logEndOffset;
    const bytes = encodeControlBatch({ baseOffset: offset, epoch, appendTimeMs: 0 }, controls);
    this.log.entries.push({ offset, epoch, bytes, count: controls.length });
    noteControlRecords(this.quorum, offset, controls);
  }

  appendRecord(text: string): void {
    const offset = this.log.logEndOffset;
    const bytes = encodeRecordBatch({ baseOffset: offset, epoch: this.core.epoch, appendTimeMs: 0 }, [
      Buffer.from(text),
    ]);
    this.log.entries.push({ offset, epoch: this.core.epoch, bytes, count: 1 });
  }

  flush(): void {
    this.log.flush();
    this.perform(this.core.flushed(this.nowMs));
  }

  tick(): readonly Action[] {
    return this.perform(this.core.tick(this.nowMs));
  }

  /** The latest action of a kind. */
  last<T extends Action["type"]>(type: T): Extract<Action, { type: T }> | undefined {
    return this.actions.findLast(action => action.type === type) as Extract<Action, { type: T }> | undefined;
  }
}

/** Delivers everything that `from` had to say to `to`, and the answers. */
export class CoreCluster {
  readonly nodes: CoreNode[];
  readonly #delivered = new Map<CoreNode, number>();
  /** Fetches that wait at the leader. */
  #parked: { from: CoreNode; action: Action }[] = [];
  /** Node ids that hear and say nothing. */
  readonly cut = new Set<number>();
  /** Flush everything at once; otherwise the test does. */
  flushes = true;

  constructor(ids: readonly number[], options: { isStatic?: boolean } = {}) {
    this.nodes = ids.map(id => new CoreNode(id, ids, options));
    for (const node of this.nodes) node.perform(node.core.start(0, 0));
  }

  node(id: number): CoreNode {
    return this.nodes.find(({ key }) => key.id === id) as CoreNode;
  }

  advance(byMs: number): void {
    for (const node of this.nodes) node.nowMs += byMs;
  }

  /** Has `id` stand at once, and all be delivered. */
  elect(id: number): void {
    const node = this.node(id);
    node.nowMs = Math.max(node.nowMs, node.core.nextDeadlineMs);
    while (node.core.role === "follower" || node.core.role === "unattached") {
      node.nowMs = node.core.nextDeadlineMs;
      node.tick();
    }
    this.settle();
  }

  /** Delivers until nobody has anything more to say. */
  settle(limit = 200): void {
    for (let round = 0; round < limit; round += 1) {
      let isQuiet = true;
      const parked = this.#parked;
      this.#parked = [];
      for (const { from, action } of parked) if (this.#deliver(from, action)) isQuiet = false;
      for (const node of this.nodes) {
        const from = this.#delivered.get(node) ?? 0;
        this.#delivered.set(node, node.actions.length);
        for (const action of node.actions.slice(from)) if (this.#deliver(node, action)) isQuiet = false;
        if (this.flushes && node.log.flushedOffset < node.log.logEndOffset) {
          node.flush();
          isQuiet = false;
        }
      }
      if (isQuiet) return;
    }
  }

  #deliver(from: CoreNode, action: Action): boolean {
    const target = (id: number): CoreNode | null =>
      this.cut.has(id) || this.cut.has(from.key.id) ? null : (this.node(id) ?? null);
    const { nowMs } = from;
    switch (action.type) {
      case "sendVote": {
        const to = target(action.request.voter.id);
        if (to === null) return false;
        const { reply, actions } = to.core.vote(action.request, to.nowMs);
        to.perform(actions);
        from.perform(from.core.voteAnswered(to.key.id, action.round, reply, nowMs));
        return true;
      }
      case "sendBeginEpoch": {
        const to = target(action.request.voter.id);
        if (to === null) return false;
        const { reply, actions } = to.core.beginEpoch(action.request, to.nowMs);
        to.perform(actions);
        from.perform(from.core.epochAnswered(reply, nowMs));
        return true;
      }
      case "sendEndEpoch": {
        const to = target(action.to.id);
        if (to === null) return false;
        const { reply, actions } = to.core.endEpoch(action.request, to.nowMs);
        to.perform(actions);
        from.perform(from.core.epochAnswered(reply, nowMs));
        return true;
      }
      case "sendUpdateVoter": {
        const to = target(action.to);
        if (to === null) return false;
        const { reply, actions } = to.core.updateVoter(descriptionOf(from.key.id, action.epoch), to.nowMs);
        to.perform(actions);
        const errorCode = reply.refusal?.errorCode ?? Errors.NONE;
        from.perform(from.core.updateVoterAnswered(action.epoch, errorCode, nowMs));
        return true;
      }
      case "sendFetch": {
        const { token, to: id, epoch, fetchOffset, lastFetchedEpoch } = action.fetch;
        const to = target(id);
        if (to === null) {
          from.perform(from.core.fetchFailed(token, true, nowMs));
          return false;
        }
        const request = { replica: from.key, epoch, fetchOffset, lastFetchedEpoch };
        const before = to.core.highWatermark;
        const { reply, actions } = to.core.fetch(request, to.nowMs);
        to.perform(actions);
        const nothing = { diverging: null, snapshotId: null, records: Buffer.alloc(0) };
        const leader = {
          leaderId: to.core.leaderAndEpoch.leaderId,
          epoch: to.core.epoch,
          highWatermark: to.core.highWatermark,
        };
        const ok = { errorCode: 0, ...leader, ...nothing };
        const records = reply.kind === "read" ? to.log.from(fetchOffset) : Buffer.alloc(0);
        if (reply.kind === "refuse")
          from.perform(from.core.fetchAnswered(token, id, { ...nothing, highWatermark: -1, ...reply }, nowMs));
        else if (reply.kind === "diverging")
          from.perform(from.core.fetchAnswered(token, id, { ...ok, diverging: reply.at }, nowMs));
        else if (reply.kind === "snapshot")
          from.perform(from.core.fetchAnswered(token, id, { ...ok, snapshotId: reply.id }, nowMs));
        else if (
          records.length > 0 ||
          to.core.highWatermark !== before ||
          action.fetch.highWatermark < to.core.highWatermark
        ) {
          from.perform(from.core.fetchAnswered(token, id, { ...ok, records }, nowMs));
        } else {
          this.#parked.push({ from, action });
          return false;
        }
        return reply.kind !== "refuse";
      }
      default:
        return false;
    }
  }
}
