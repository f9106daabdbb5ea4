/**
 * The replicated metadata log: performs what {@link RaftCore} decides, over a log, a disk and connections.
 *
 * ```ts
 * const raft = new RaftDriver(options, { log: partitionLog, flush: () => logs.flush(partitionLog), platform, logger, onFatal });
 * await raft.start();
 * raft.service   // answers the quorum's requests: Vote, Fetch, …
 * ```
 *
 * A quorum of one is the same: it elects itself, and what it has flushed is committed.
 *
 * - The quorum's state is durable before anything that follows from it happens; a failure to write it loses the step, not the promise.
 * - What recovery found is flushed before it is told or claimed (KAFKA-10101).
 * - A failed flush ends everything: the log leads no more, and the owner is told to stop the node. A full disk does not: leadership goes to others.
 * - Silence is judged after the sockets were read, and what this process slept through is taken off it.
 */
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { Timer } from "../platform/platform.ts";
import { ActionPerformer, type PlainAction } from "./action-performer.ts";
import type { Action, VoterChangeOutcome } from "./actions.ts";
import { Alarm } from "./alarm.ts";
import { AppliedPositions } from "./applied-positions.ts";
import type { Decided, RaftCore } from "./core.ts";
import { createCore } from "./create-core.ts";
import type { RaftDriverModules, RaftDriverOptions } from "./driver-modules.ts";
import { Messenger } from "./messenger.ts";
import { ParkedFetches } from "./parked-fetches.ts";
import type { Address } from "./peers.ts";
import type { Voter } from "./quorum-history.ts";
import { QuorumLog } from "./quorum-log.ts";
import { QuorumService } from "./quorum-service.ts";
import { readQuorumState } from "./quorum-state.ts";
import { type QuorumStatus, quorumStatus } from "./replica-status.ts";
import type {
  LeaderAndEpoch,
  LogAppendOptions,
  LogAppendOutcome,
  ReplicatedLog,
  ReplicatedLogListener,
  SnapshotId,
  SnapshotWriter,
} from "./replicated-log.ts";
import { SnapshotKeeper } from "./snapshot-keeper.ts";
import { Snapshots } from "./snapshots.ts";
import { Subscribers } from "./subscribers.ts";
import { VoterChangeTickets } from "./voter-change-tickets.ts";
import { type Endpoint, type ReplicaKey, VoterSet } from "./voter-set.ts";

/** Connections that are ready and not used are closed by the other side (`connections.max.idle.ms`), and made again. */
const PREPARE_INTERVAL_MS = 30_000;
/** How long a stopping leader waits for its successors to have heard of it. */
const HANDOVER_MS = 500;

export type { RaftDriverModules, RaftDriverOptions };

export class RaftDriver implements ReplicatedLog {
  readonly #options: RaftDriverOptions;
  readonly #modules: RaftDriverModules;
  readonly #snapshots: Snapshots;
  readonly #log: QuorumLog;
  readonly #keeper: SnapshotKeeper;
  readonly #messenger: Messenger;
  readonly #parked: ParkedFetches;
  readonly #subscribers: Subscribers;
  readonly #alarm: Alarm;
  readonly #self: ReplicaKey;
  #core: RaftCore | null = null;
  #status: "new" | "starting" | "running" | "closed" | "failed" = "new";
  #stopListening: (() => void)[] = [];
  readonly #started: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #changes = new VoterChangeTickets();
  readonly #performer: ActionPerformer;
  /** Whether the high watermark was once what the quorum had. */
  #isCurrent = false;
  /** Answers the quorum's requests. */
  readonly service: QuorumService;
  /** How far the other replicas have applied the log, while this node leads. */
  readonly applied: AppliedPositions;

  constructor(options: RaftDriverOptions, modules: RaftDriverModules) {
    const { log, platform, logger } = modules;
    const { disk, clock } = platform;
    this.#options = options;
    this.#modules = modules;
    this.#self = { id: options.nodeId, directoryId: options.directoryId };
    this.#started.promise.catch(() => {}); // start() tells
    this.#parked = new ParkedFetches(platform);
    this.#alarm = new Alarm(lateMs => this.#alarmed(lateMs), platform);
    this.#subscribers = new Subscribers({
      timers: platform.timers,
      leader: () => this.leaderAndEpoch,
      source: {
        read: offset => this.#log.readCommitted(offset, this.highWatermark),
        latestSnapshot: () => this.#keeper.latest(),
        isCurrent: () => this.isHighWatermarkCurrent,
        position: () => ({ highWatermark: this.highWatermark, logStartOffset: this.logStartOffset }),
        leadership: () => {
          const leadership = this.#core?.leadership ?? null;
          return leadership === null ? null : { epoch: this.core.epoch, startOffset: leadership.epochStartOffset };
        },
        onFault: error => this.#fail(error),
      },
    });
    this.#snapshots = new Snapshots(options, { disk, logger });
    this.#log = new QuorumLog({
      ...modules,
      snapshots: this.#snapshots,
      clock,
      onAppended: () => this.#parked.wake(),
      onFlushed: () => this.#step((core, nowMs) => core.flushed(nowMs)),
      onVoters: () => this.#learnVoters(),
      onFailed: error => this.#fail(error),
    });
    this.#keeper = new SnapshotKeeper(options, { ...modules, snapshots: this.#snapshots, quorumLog: this.#log });
    this.#messenger = new Messenger(
      { ...options, ...options.timeouts, self: this.#self },
      { ...modules, step: event => this.#step(event), onFault: error => this.#fail(error) },
    );
    this.#performer = new ActionPerformer(options, {
      disk,
      logger,
      isRunning: () => this.isRunning,
      voters: () => ({ kraftVersion: this.kraftVersion, ids: this.core.voters.ids }),
      act: action => this.#act(action),
      stateNotWritten: () => this.core.writeFailed("the quorum's state cannot be written", this.#nowMs),
      done: () => {
        this.#noteCurrent();
        this.#arm();
      },
      onFault: error => this.#fail(error),
    });
    this.applied = new AppliedPositions(platform);
    this.service = new QuorumService(options, { driver: this, log, parked: this.#parked, applied: this.applied, disk });
  }

  get nodeId(): number {
    return this.#options.nodeId;
  }

  get leaderAndEpoch(): LeaderAndEpoch {
    return this.#core?.leaderAndEpoch ?? { leaderId: -1, epoch: 0 };
  }

  get logEndOffset(): number {
    return this.#log.endOffset;
  }

  get logStartOffset(): number {
    return this.#log.startOffset;
  }

  get highWatermark(): number {
    return Math.max(0, this.#core?.highWatermark ?? 0);
  }

  get isHighWatermarkCurrent(): boolean {
    return this.#core?.isHighWatermarkCurrent ?? false;
  }

  get latestSnapshotId(): SnapshotId | null {
    return this.#snapshots.latestId;
  }

  /** The voters in force, configured ones included. */
  get voterSet(): VoterSet {
    return this.#core?.voters ?? VoterSet.EMPTY;
  }

  get voters(): readonly Voter[] {
    return this.voterSet.voters;
  }

  /** Offset of the record that names the voters; they are committed when the high watermark is above it. */
  get votersOffset(): number {
    return this.#log.quorum.latest.offset;
  }

  get kraftVersion(): number {
    return this.#log.quorum.latest.kraftVersion;
  }

  /** For the service and tests; throws before {@link start}. */
  get core(): RaftCore {
    const core = this.#core;
    if (core === null) throw new ApiError(Errors.COORDINATOR_LOAD_IN_PROGRESS, "the quorum's log is being opened");
    return core;
  }

  get hasCore(): boolean {
    return this.#core !== null;
  }

  get isRunning(): boolean {
    return this.#status === "running";
  }

  isLeader(): boolean {
    return this.isRunning && this.core.leadership !== null;
  }

  /** Calls `listener` whenever the leader known here changes. Returns the end of it. */
  onLeaderChanged(listener: (leader: LeaderAndEpoch) => void): () => void {
    return this.#subscribers.onLeaderChanged(listener);
  }

  /** Where a node's controller was last known to be. */
  addressOf(nodeId: number): Address | null {
    return this.#messenger.addressOf(nodeId);
  }

  /** Notes where a leader says that it listens. */
  learnAddress(nodeId: number, endpoints: readonly Endpoint[]): void {
    this.#messenger.learnAddress(nodeId, endpoints);
  }

  /**
   * Recovers snapshots and log, makes what was recovered durable, and takes part. Alone, it resolves when the first record of its epoch is
   * committed; with others, at once. Rejects, with the disk as it was but for leftovers removed and corrupt snapshots set aside, when the
   * directory cannot be read.
   */
  async start(): Promise<void> {
    if (this.#status !== "new") throw new Error("metadata log started twice");
    this.#status = "starting";
    const { log, platform } = this.#modules;
    const snapshot = await this.#log.recover();
    this.#keeper.recovered(snapshot);
    const stored = readQuorumState(platform.disk, this.#options.directory);
    if (this.#status !== "starting") throw new Error("metadata log closed");
    this.#status = "running";
    this.#stopListening = [
      log.onFlushed(() => this.#step((core, nowMs) => core.flushed(nowMs))),
      log.onAppendFailed((_log, endOffset) => this.#takenBack(endOffset)),
      endOf(platform.timers.every(PREPARE_INTERVAL_MS, () => this.#preparePeers())),
    ];
    const core = createCore(this.#options, stored, { log: this.#log, random: platform.random });
    this.#core = core;
    this.#learnVoters();
    const isAlone = core.voters.isOnly(this.#self);
    this.#step(() => core.start(snapshot?.id.endOffset ?? 0, this.#nowMs));
    if (isAlone) await this.#started.promise;
  }

  /** Hands leadership over and stops, for good. What was appended is flushed first. */
  async close(): Promise<void> {
    if (this.#status === "running") {
      const patience = () => new Promise<void>(resolve => this.#modules.platform.timers.after(HANDOVER_MS, resolve));
      // After a failed flush there is no other, and this one is never done.
      await Promise.race([this.#modules.flush().catch(() => {}), patience()]);
      this.#step((core, nowMs) => core.stop(nowMs));
      await Promise.race([this.#messenger.handedOver(), patience()]);
    }
    this.#status = this.#status === "failed" ? "failed" : "closed";
    this.#release(new Error("metadata log closed"));
    this.#subscribers.end();
  }

  append(epoch: number, records: readonly Buffer[], options: LogAppendOptions = {}): LogAppendOutcome {
    const leadership = this.#core?.leadership ?? null;
    if (leadership === null || epoch !== this.core.epoch || !this.isRunning) {
      const message = `node ${this.nodeId} does not lead in epoch ${epoch}`;
      return { ok: false, errorCode: Errors.NOT_CONTROLLER, message };
    }
    return this.#log.appendRecords(epoch, records, options);
  }

  subscribe(listener: ReplicatedLogListener): () => void {
    return this.#subscribers.add(listener);
  }

  resign(epoch: number, reason: string): void {
    this.#step((core, nowMs) => core.resign(epoch, reason, nowMs));
  }

  createSnapshot(id: SnapshotId, lastContainedLogTimeMs: number): SnapshotWriter | null {
    if (id.endOffset > this.highWatermark) {
      throw new Error(`snapshot at ${id.endOffset}, but only ${this.highWatermark} is committed`);
    }
    return this.#keeper.create(id, lastContainedLogTimeMs);
  }

  /** What the leader knows of all replicas; null when this node does not lead. */
  status(): QuorumStatus | null {
    if (!this.isLeader()) return null;
    return quorumStatus(this.core, this.#self, this.logEndOffset, this.#modules.platform.clock);
  }

  /**
   * Lets the core decide a request, and performs it before the reply is given back. Throws `ApiError` when the quorum's state could not be made
   * durable: there is no reply then.
   */
  decide<R>(event: (core: RaftCore, nowMs: number) => Decided<R>): R {
    const { reply, actions } = event(this.core, this.#nowMs);
    if (!this.#perform(actions)) throw new ApiError(Errors.KAFKA_STORAGE_ERROR, "the quorum's state cannot be written");
    return reply;
  }

  /** As {@link decide} for a change of the voters, whose outcome comes later. */
  changeVoters(
    event: (core: RaftCore, nowMs: number) => Decided<{ ticket: number; refusal: VoterChangeOutcome | null }>,
  ): Promise<VoterChangeOutcome> {
    const { reply, actions } = event(this.core, this.#nowMs);
    const { ticket, refusal } = reply;
    const outcome = refusal !== null ? Promise.resolve(refusal) : this.#changes.outcomeOf(ticket);
    this.#perform(actions);
    return outcome;
  }

  get #nowMs(): number {
    return this.#modules.platform.clock.monotonic();
  }

  #step(event: (core: RaftCore, nowMs: number) => readonly Action[]): void {
    const core = this.#core;
    if (core !== null && this.isRunning) this.#perform(event(core, this.#nowMs));
  }

  /** False when the quorum's state could not be written. */
  #perform(actions: readonly Action[]): boolean {
    return this.#performer.perform(actions);
  }

  /** An answer without records may be what says that nothing is missing. */
  #noteCurrent(): void {
    if (this.#isCurrent || !this.isHighWatermarkCurrent) return;
    this.#isCurrent = true;
    this.#subscribers.pump();
  }

  #act(action: PlainAction): void {
    switch (action.type) {
      case "truncate":
        this.#log.truncateTo(action.endOffset);
        this.#perform(this.core.logChanged(this.#nowMs));
        break;
      case "append":
        this.#appended(this.#log.appendFetched(action.records, this.core.epoch));
        break;
      case "appendControls":
        this.#subscribers.appendNow();
        this.#controlsAppended(this.#log.appendControls(action.epoch, action.controls));
        break;
      case "downloadSnapshot":
        this.#downloadSnapshot(action);
        break;
      case "cancelDownload":
        this.#keeper.cancelDownload();
        break;
      case "committed":
        this.#committed(action.highWatermark);
        break;
      case "wakeFetches":
        this.#parked.wake();
        break;
      case "resigned":
        this.#modules.logger.warn("raft.resigned", { epoch: action.epoch, reason: action.reason });
        this.applied.forget();
        this.#subscribers.resigned(action.epoch);
        break;
      case "leaderChanged":
        this.#modules.logger.info("raft.leader-changed", { ...action.leader, role: this.core.role });
        this.#subscribers.leaderChanged(action.leader);
        if (action.leader.leaderId >= 0) this.#preparePeers();
        break;
      case "voterChanged":
        this.#changes.settle(action.ticket, action.outcome);
        break;
      case "fatal":
        throw new Error(action.message);
      default:
        this.#messenger.send(action);
    }
  }

  #arm(): void {
    if (this.#core !== null && this.isRunning) this.#alarm.set(this.#core.nextDeadlineMs);
  }

  /** @param lateMs how long this process did not run when it should have */
  #alarmed(lateMs: number): void {
    const core = this.#core;
    if (core === null || !this.isRunning) return;
    if (lateMs > 0) core.forgive(lateMs, this.#nowMs);
    if (this.#nowMs >= core.nextDeadlineMs) this.#perform(core.tick(this.#nowMs));
    else this.#arm();
  }

  #appended(outcome: LogAppendOutcome): void {
    if (!outcome.ok) {
      this.#modules.logger.error("raft.fetched-not-appended", { error: outcome.message });
      this.#perform(this.core.writeFailed(outcome.message, this.#nowMs));
    } else this.#perform(this.core.logChanged(this.#nowMs));
  }

  #controlsAppended(outcome: LogAppendOutcome): void {
    if (!outcome.ok) this.#perform(this.core.writeFailed(outcome.message, this.#nowMs));
  }

  /** What was appended is not there any more, so nobody may build upon it. */
  #takenBack(endOffset: number): void {
    if (endOffset < this.highWatermark) {
      this.#fail(new Error(`committed records were taken back, down to ${endOffset}`));
      return;
    }
    this.#log.forgetFrom(endOffset);
    this.#modules.logger.error("raft.appends-taken-back", { epoch: this.core.epoch, endOffset });
    this.#step((core, nowMs) => core.writeFailed("appends could not be written", nowMs));
  }

  #downloadSnapshot({ from, id }: Extract<Action, { type: "downloadSnapshot" }>): void {
    const { epoch } = this.core;
    this.#keeper.download(id, {
      request: position => this.#messenger.fetchSnapshot(from, epoch, id, position),
      onProgress: () => this.#core?.downloadProgressed(this.#nowMs),
      onEnded: isInstalled => this.#step((core, nowMs) => core.downloadEnded(isInstalled, nowMs)),
      onFailed: error => this.#fail(error),
    });
  }

  #committed(highWatermark: number): void {
    this.#started.resolve();
    this.#subscribers.pump();
    this.#log.told(highWatermark);
    this.#keeper.release();
  }

  /** A voter may have to vote, stand or follow another at any time. */
  #preparePeers(): void {
    if (this.isRunning && this.voterSet.has(this.#self)) this.#messenger.prepare(this.voterSet.ids);
  }

  #learnVoters(): void {
    for (const { voterId, endpoints } of this.voters) this.learnAddress(voterId, endpoints);
  }

  #fail(error: Error): void {
    if (this.#status === "failed" || this.#status === "closed") return;
    const { epoch } = this.leaderAndEpoch;
    const wasLeading = this.isLeader();
    this.#status = "failed";
    this.#modules.logger.error("raft.failed", { epoch, error: error.message });
    if (wasLeading) this.#subscribers.resigned(epoch);
    this.#release(error);
    this.#modules.onFatal(error);
  }

  #release(error: Error): void {
    this.#alarm.clear();
    this.#keeper.close();
    this.#parked.wake(true);
    this.#messenger.close();
    for (const stop of this.#stopListening) stop();
    this.#started.reject(error);
    this.#changes.settleAll({ errorCode: Errors.BROKER_NOT_AVAILABLE, message: error.message });
  }
}

function endOf(timer: Timer): () => void {
  return () => timer.clear();
}
