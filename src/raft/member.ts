/** A member of the quorum: what it is told of itself, what it knows, and what it has decided to do in this step. The parts of `core.ts` share it. */
import { Errors } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import type { Action } from "./actions.ts";
import type { ElectionTiming } from "./election-timing.ts";
import type { LogView } from "./fetch-decision.ts";
import type { EpochResponse } from "./messages.ts";
import type { QuorumFacts, QuorumHistory } from "./quorum-history.ts";
import type { QuorumState } from "./quorum-state.ts";
import { type LeaderAndEpoch, NO_LEADER } from "./replicated-log.ts";
import type { Role } from "./roles.ts";
import { type Endpoint, type ReplicaKey, VoterSet } from "./voter-set.ts";

export interface RaftCoreOptions {
  readonly self: ReplicaKey;
  /** Where this node's controller listens; empty for a node that never votes. */
  readonly endpoints: readonly Endpoint[];
  /** The listener by which controllers are reached: the first of `controller.listener.names`. */
  readonly listenerName: string;
  /** Used at `kraft.version` 0. */
  readonly staticVoters: VoterSet;
  /** Whether there are servers to ask for the leader when no voter is known. */
  readonly hasBootstrapServers: boolean;
  /** `controller.quorum.auto.join.enable`, on a node that may vote. */
  readonly autoJoin: boolean;
}

export interface RaftCoreModules {
  readonly log: LogView;
  readonly quorum: QuorumHistory;
  readonly timing: ElectionTiming;
}

/** The state that all parts of the core work on. */
export class Member {
  readonly options: RaftCoreOptions;
  readonly modules: RaftCoreModules;
  state: QuorumState;
  role: Role = { kind: "unattached", electionAtMs: Infinity };
  highWatermark = -1;
  actions: Action[] = [];
  isStateDirty = false;
  told: LeaderAndEpoch = { leaderId: NO_LEADER, epoch: -1 };
  /** Elections lost in a row. */
  lostElections = 0;
  round = 0;
  lastTicket = 0;
  isStopped = false;
  fetchToken = 0;
  isFetching = false;
  fetchAtMs = 0;
  isDownloading = false;
  /** The leader that was followed last, and when it last answered. */
  lastHeard: { readonly nodeId: number; readonly atMs: number } | null = null;
  /** The log is about to be appended to or cut. */
  awaitsLog = false;
  /** The high watermark as the leader has told it. */
  leaderHighWatermark = -1;

  constructor(options: RaftCoreOptions, modules: RaftCoreModules, state: QuorumState | null) {
    this.options = options;
    this.modules = modules;
    this.state = state ?? { leaderId: NO_LEADER, leaderEpoch: 0, votedId: -1, votedDirectoryId: ZERO_UUID };
  }

  get epoch(): number {
    return this.state.leaderEpoch;
  }

  get leaderAndEpoch(): LeaderAndEpoch {
    return { leaderId: this.leaderId, epoch: this.epoch };
  }

  get voters(): VoterSet {
    return this.#votersBy(this.modules.quorum.latest);
  }

  get isVoter(): boolean {
    return this.voters.has(this.options.self);
  }

  /**
   * Whether this replica may stand for election. So may one that the latest record removes, while that is not known to be committed: nobody else may
   * have the record, and all others' logs may be behind (Ongaro, "Consensus", §4.2.2).
   */
  get isElector(): boolean {
    if (this.isVoter) return true;
    const { quorum } = this.modules;
    if (quorum.latest.offset < this.highWatermark) return false;
    return this.#votersBy(quorum.at(quorum.latest.offset)).has(this.options.self);
  }

  get leaderId(): number {
    if (this.role.kind === "leader") return this.options.self.id;
    return this.role.kind === "follower" ? this.role.leaderId : NO_LEADER;
  }

  epochResponse(errorCode: number): EpochResponse {
    return { errorCode, leaderId: this.leaderId, epoch: this.epoch };
  }

  /** The error for a replica that speaks to the leader of `epoch`, or NONE when this is that one. */
  refuseReplicaRequest(epoch: number): number {
    if (epoch < this.epoch) return Errors.FENCED_LEADER_EPOCH;
    if (epoch > this.epoch) return Errors.UNKNOWN_LEADER_EPOCH;
    return this.role.kind === "leader" ? Errors.NONE : Errors.NOT_LEADER_OR_FOLLOWER;
  }

  setState(change: Partial<QuorumState>): void {
    const hasNoVote = change.votedId === -1 ? { votedDirectoryId: ZERO_UUID } : {};
    this.state = { ...this.state, ...change, ...hasNoVote };
    // Who leads need not outlive a crash: epoch and vote do, and they say that nobody else can (Raft §5.2). It is written along with them.
    if (change.leaderEpoch !== undefined || change.votedId !== undefined) this.isStateDirty = true;
  }

  fatal(message: string): void {
    this.actions.push({ type: "fatal", message });
    this.isStopped = true;
  }

  /** Those in the log go before those in the configuration. */
  #votersBy({ voters }: QuorumFacts): VoterSet {
    return voters === null ? this.options.staticVoters : new VoterSet(voters);
  }

  raiseHighWatermark(offset: number): void {
    if (offset <= this.highWatermark) return;
    this.highWatermark = offset;
    this.actions.push({ type: "committed", highWatermark: offset });
    if (this.role.kind === "leader") this.actions.push({ type: "wakeFetches" });
  }
}
