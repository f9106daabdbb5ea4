/** Changes to the broker that break it, each of which the simulated cluster has to notice. */
import type { Mutant } from "./mutant.ts";

export interface ClusterMutant extends Mutant {
  /** Where it shows soonest. */
  readonly scenario: string;
  /** One that noticed it, looked at first with its neighbours: a change of the code may have led it elsewhere. */
  readonly seed: number;
}

const LOG_FILES = "src/log/log-files.ts";
const WATERMARK = "src/replication/high-watermark.ts";
const ISR = "src/replication/isr.ts";
const LEADER = "src/replication/leader-role.ts";
const FOLLOWER = "src/replication/follower-role.ts";
const FETCHER = "src/replication/fetcher/follower-fetcher.ts";
const PARTITION = "src/replication/partition.ts";
const PRODUCERS = "src/log/producer-state.ts";
const PROPOSALS = "src/metadata/controller/alter-partition.ts";
const CHANGE = "src/metadata/controller/partition-change.ts";
const RULES = "src/metadata/controller/partition-rules.ts";

const MAXIMAL_ISR = 'return pending?.kind === "expand" ? pending.isr : committed;';
const MAY_JOIN = "  if (follower.endOffset < Math.max(highWatermark, epochStartOffset)) return null;\n";
const CUT = "cutting(() => this.#log.truncateTo(truncationOffset(diverging, local, this.#log.logEndOffset)))";

export const clusterMutants: readonly ClusterMutant[] = [
  // What is on the disk
  {
    name: "segments are not synced",
    scenario: "one-broker-power-loss",
    seed: 1,
    file: LOG_FILES,
    find: "      await Promise.all(segments.map(([segment]) => segment.file.sync()));\n",
    replacement: "",
  },
  {
    name: "names of segments are not synced",
    scenario: "one-broker-power-loss",
    seed: 1,
    file: LOG_FILES,
    find: "      this.#syncDirectories();\n      segments =",
    replacement: "      segments =",
  },
  {
    name: "files replaced whole are not synced",
    scenario: "one-broker-power-loss",
    seed: 1,
    file: "src/platform/files.ts",
    find: "    file.syncNow();\n  } finally {",
    replacement: "  } finally {",
  },
  {
    name: "epoch and vote are not written",
    scenario: "controller-failover",
    seed: 2,
    file: "src/raft/action-performer.ts",
    find: "      writeQuorumState(disk, this.#directory, state, kraftVersion, ids);\n",
    replacement: "",
  },
  // How far a partition is committed
  {
    name: "the leader's own log counts before it is flushed",
    scenario: "produce",
    seed: 1,
    file: LEADER,
    find: "const { highWatermark, promisedOffset: flushedOffset } = this.#log;",
    replacement: "const { highWatermark, logEndOffset: flushedOffset } = this.#log;",
  },
  {
    name: "a follower asks for more before it has flushed",
    scenario: "produce",
    seed: 1,
    file: FOLLOWER,
    find: "    if (promisedOffset < logEndOffset) return null;\n",
    replacement: "    void promisedOffset;\n",
    and: {
      file: FETCHER,
      find: "      this.#modules.flush(log).then(() => {\n",
      replacement: "      Promise.resolve(log).then(() => {\n",
    },
  },
  {
    name: "the high watermark does not wait for followers",
    scenario: "produce",
    seed: 1,
    file: WATERMARK,
    find: "if (follower.endOffset < lowest && counts(follower)) lowest = follower.endOffset;",
    replacement: "if (follower.endOffset < 0 && counts(follower)) lowest = follower.endOffset;",
  },
  {
    name: "the high watermark moves below min.insync.replicas",
    scenario: "all-in-sync",
    seed: 1,
    file: WATERMARK,
    find: "  if (facts.isUnderMinIsr) return current;\n",
    replacement: "",
  },
  {
    name: "the high watermark may go back",
    scenario: "elections",
    seed: 1,
    file: WATERMARK,
    find: "return Math.max(current, lowest);",
    replacement: "return current < 0 ? current : Math.max(0, lowest);",
    and: {
      file: PARTITION,
      find: "if (committedOffset > log.highWatermark) log.updateHighWatermark(committedOffset);",
      replacement: "if (committedOffset !== log.highWatermark) log.updateHighWatermark(committedOffset);",
    },
  },
  {
    name: "a pending removal counts as done",
    scenario: "isr-churn",
    seed: 1,
    file: ISR,
    find: MAXIMAL_ISR,
    replacement: "return pending?.isr ?? committed;",
  },
  {
    name: "a pending expansion does not count",
    scenario: "joiners",
    seed: 11,
    file: ISR,
    find: MAXIMAL_ISR,
    replacement: 'return pending?.kind === "expand" ? committed : committed;',
  },
  {
    name: "who waits for a leader that is none any more is told nothing",
    scenario: "deaf-brokers",
    seed: 9,
    file: PARTITION,
    find: "    if (log !== null) this.#waits.cut(log.logEndOffset);\n    this.#waits.release(Errors.NOT_LEADER_OR_FOLLOWER);\n",
    replacement: "",
  },
  // Who is in sync
  {
    name: "a follower joins before it has all that was committed",
    scenario: "isr-ambush",
    seed: 1,
    file: ISR,
    find: MAY_JOIN,
    replacement: "  if (follower.endOffset < Math.min(0, highWatermark, epochStartOffset)) return null;\n",
  },
  {
    name: "a follower joins below the start of the leader's epoch",
    scenario: "leaders-fall",
    seed: 10,
    file: ISR,
    find: MAY_JOIN,
    replacement: "  if (follower.endOffset < highWatermark || epochStartOffset < 0) return null;\n",
  },
  {
    name: "a leader wants fenced brokers in",
    scenario: "deaf-brokers",
    seed: 1,
    file: ISR,
    find: "  if (broker === undefined || broker.fenced || broker.inControlledShutdown) return false;\n",
    replacement: "  if (broker === undefined) return true;\n",
  },
  {
    name: "an earlier process of a broker joins the ISR",
    scenario: "joiners",
    seed: 2,
    file: PROPOSALS,
    find: "return brokerEpoch === -1 || brokerEpoch === broker.epoch;",
    replacement: "return brokerEpoch >= -1 || brokerEpoch === broker.epoch;",
  },
  {
    name: "an ISR is replaced that its leader does not know",
    scenario: "isr-ambush",
    seed: 53,
    file: PROPOSALS,
    find: "  if (partitionEpoch < partition.partitionEpoch) return Errors.INVALID_UPDATE_VERSION;\n",
    replacement: "",
  },
  // What a follower cuts
  {
    name: "a follower does not cut what its leader does not have",
    scenario: "leaders-fall",
    seed: 1,
    file: FOLLOWER,
    find: CUT,
    replacement: "cutting(() => truncationOffset(diverging, local, this.#log.logEndOffset))",
  },
  {
    name: "a follower cuts down to its high watermark",
    scenario: "leaders-fall",
    seed: 29,
    file: FOLLOWER,
    find: CUT,
    replacement:
      "cutting(() => this.#log.truncateTo(Math.min(this.#log.highWatermark, truncationOffset(diverging, local, 1e9))))",
  },
  {
    name: "a leader does not compare epochs of logs",
    scenario: "leaders-fall",
    seed: 23,
    file: LEADER,
    find: "return end.leaderEpoch >= lastFetchedEpoch && end.endOffset >= fetchOffset ? null : end;",
    replacement: "return end.leaderEpoch >= -1 ? null : end;",
  },
  // Epochs
  {
    name: "leader epochs of requests are not compared",
    scenario: "reassignment",
    seed: 1,
    file: PARTITION,
    find: "    if (currentLeaderEpoch < 0 || currentLeaderEpoch === this.#leaderEpoch) return Errors.NONE;\n",
    replacement: "    if (currentLeaderEpoch < 1_000_000) return Errors.NONE;\n",
  },
  {
    name: "a process acts on what the metadata said of the one before",
    scenario: "full-restart",
    seed: 1,
    file: "src/replication/replica-manager.ts",
    find: "      if (this.#isRegistered) this.#replication.giveRole",
    replacement: "      if (!this.#isStopped) this.#replication.giveRole",
    and: { file: "src/metadata/metadata-store.ts", find: " || !log.isHighWatermarkCurrent", replacement: "" },
  },
  {
    name: "a new process keeps the epoch of the one before",
    scenario: "elections",
    seed: 1,
    file: "src/metadata/controller/brokers.ts",
    find: "const isSameProcess = before?.incarnationId === request.incarnationId;",
    replacement: 'const isSameProcess = before !== undefined && request.incarnationId !== "";',
  },
  {
    name: "the leader epoch stays when replicas go",
    scenario: "reassignment",
    seed: 1,
    file: CHANGE,
    find: "  else if (!partition.replicas.every(id => draft.replicas.includes(id))) change.leader = partition.leader;\n",
    replacement: "",
  },
  // Who may lead
  {
    name: "a leader need not be in sync",
    scenario: "isr-ambush",
    seed: 9,
    file: CHANGE,
    find: "(isr.length === 0 ? draft.eligible : isr).includes(id) && isAlive(id)",
    replacement: "isAlive(id)",
  },
  {
    name: "a fenced broker may lead",
    scenario: "elections",
    seed: 4,
    file: RULES,
    find: "isActive(image, brokerId) && isOnline(directory, registration.logDirs)",
    replacement: "isOnline(directory, registration.logDirs)",
  },
  {
    name: "elections are unclean without being asked",
    scenario: "full-restart",
    seed: 15,
    file: CHANGE,
    find: 'election === "unclean" ? [...lastKnown',
    replacement: "isr.length === 0 ? [...lastKnown",
  },
  {
    name: "who was in sync last is not eligible",
    scenario: "full-restart",
    seed: 1,
    file: CHANGE,
    find: "new Set([...draft.eligible, ...draft.partition.isr])",
    replacement: "new Set(draft.eligible)",
  },
  // Producers
  {
    name: "duplicates are not told",
    scenario: "produce",
    seed: 9,
    file: PRODUCERS,
    find: "      if (known.lastSequence !== lastSequence) continue;\n",
    replacement: "      if (known.lastSequence !== lastSequence || lastSequence >= 0) continue;\n",
  },
];
