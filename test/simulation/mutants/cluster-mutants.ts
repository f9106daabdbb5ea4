/** Changes to the broker that break it, each of which the simulated cluster has to notice. */
import type { Mutant } from "./mutant.ts";

export interface ClusterMutant extends Mutant {
  /** Where it shows soonest. */
  readonly scenario: string;
}

const WATERMARK = "src/replication/high-watermark.ts";
const ISR = "src/replication/isr.ts";
const FOLLOWER = "src/replication/follower-role.ts";
const PRODUCERS = "src/log/producer-state.ts";
const PROPOSALS = "src/metadata/controller/alter-partition.ts";

export const clusterMutants: readonly ClusterMutant[] = [
  {
    name: "segments are not synced",
    scenario: "one-broker-power-loss",
    file: "src/log/log-files.ts",
    find: "      await Promise.all(segments.map(([segment]) => segment.file.sync()));\n",
    replacement: "",
  },
  {
    name: "names of segments are not synced",
    scenario: "one-broker-power-loss",
    file: "src/log/log-files.ts",
    find: "    this.#syncDirectories();\n    const segments",
    replacement: "    const segments",
  },
  {
    name: "files replaced whole are not synced",
    scenario: "one-broker-power-loss",
    file: "src/platform/files.ts",
    find: "    file.syncNow();\n  } finally {",
    replacement: "  } finally {",
  },
  {
    name: "the leader's own log counts before it is flushed",
    scenario: "produce",
    file: "src/replication/leader-role.ts",
    find: "const { highWatermark, promisedOffset: flushedOffset } = this.#log;",
    replacement: "const { highWatermark, logEndOffset: flushedOffset } = this.#log;",
  },
  {
    name: "the high watermark does not wait for followers",
    scenario: "produce",
    file: WATERMARK,
    find: "if (follower.endOffset < lowest && counts(follower)) lowest = follower.endOffset;",
    replacement: "if (follower.endOffset < 0 && counts(follower)) lowest = follower.endOffset;",
  },
  {
    name: "the high watermark moves below min.insync.replicas",
    scenario: "isr-churn",
    file: WATERMARK,
    find: "  if (facts.isUnderMinIsr) return current;\n",
    replacement: "",
  },
  {
    name: "the high watermark may go back",
    scenario: "isr-churn",
    file: WATERMARK,
    find: "return Math.max(current, lowest);",
    replacement: "return current === 0 ? lowest : lowest;",
  },
  {
    name: "a follower joins before it has all that was committed",
    scenario: "isr-churn",
    file: ISR,
    find: "  if (follower.endOffset < Math.max(highWatermark, epochStartOffset)) return null;\n",
    replacement: "  if (follower.endOffset < Math.min(0, highWatermark, epochStartOffset)) return null;\n",
  },
  {
    name: "a pending expansion does not count",
    scenario: "isr-churn",
    file: ISR,
    find: 'return pending?.kind === "expand" ? pending.isr : committed;',
    replacement: 'return pending?.kind === "expand" ? committed : committed;',
  },
  {
    name: "a pending removal counts as done",
    scenario: "isr-churn",
    file: ISR,
    find: 'return pending?.kind === "expand" ? pending.isr : committed;',
    replacement: "return pending?.isr ?? committed;",
  },
  {
    name: "fenced brokers join",
    scenario: "isr-churn",
    file: ISR,
    find: "  if (broker === undefined || broker.fenced || broker.inControlledShutdown) return false;\n",
    replacement: "  if (broker === undefined) return true;\n",
  },
  {
    name: "a follower does not cut what its leader does not have",
    scenario: "full-restart",
    file: FOLLOWER,
    find: "    this.#log.truncateTo(truncationOffset(diverging, local, this.#log.logEndOffset));\n",
    replacement: "    truncationOffset(diverging, local, this.#log.logEndOffset);\n",
  },
  {
    name: "a follower cuts down to its high watermark",
    scenario: "full-restart",
    file: FOLLOWER,
    find: "this.#log.truncateTo(truncationOffset(diverging, local, this.#log.logEndOffset));",
    replacement: "this.#log.truncateTo(Math.min(this.#log.highWatermark, truncationOffset(diverging, local, 0)));",
  },
  {
    name: "duplicates are not told",
    scenario: "produce",
    file: PRODUCERS,
    find: "      if (known.lastSequence !== lastSequence) continue;\n",
    replacement: "      if (known.lastSequence !== lastSequence || lastSequence >= 0) continue;\n",
  },
  {
    name: "sequences are not compared",
    scenario: "produce",
    file: PRODUCERS,
    find: "return batch.baseSequence === expected ? NEW : outOfOrder(batch, `${expected} is next`);",
    replacement: "return batch.baseSequence >= 0 ? NEW : outOfOrder(batch, `${expected} is next`);",
  },
  {
    name: "a leader of an earlier epoch changes the ISR",
    scenario: "isr-churn",
    file: PROPOSALS,
    find: "  if (leaderEpoch < partition.leaderEpoch) return Errors.FENCED_LEADER_EPOCH;\n",
    replacement: "",
  },
  {
    name: "an ISR is replaced that its leader does not know",
    scenario: "isr-churn",
    file: PROPOSALS,
    find: "  if (partitionEpoch < partition.partitionEpoch) return Errors.INVALID_UPDATE_VERSION;\n",
    replacement: "",
  },
  {
    name: "an earlier process of a broker joins the ISR",
    scenario: "isr-churn",
    file: PROPOSALS,
    find: "return brokerEpoch === -1 || brokerEpoch === broker.epoch;",
    replacement: "return brokerEpoch >= -1 || brokerEpoch === broker.epoch;",
  },
  {
    name: "leader epochs of requests are not compared",
    scenario: "elections",
    file: "src/replication/partition.ts",
    find: "    if (currentLeaderEpoch < 0 || currentLeaderEpoch === this.#leaderEpoch) return Errors.NONE;\n",
    replacement: "    if (currentLeaderEpoch < 1_000_000) return Errors.NONE;\n",
  },
  {
    name: "old metadata is acted upon",
    scenario: "full-restart",
    file: "src/metadata/metadata-store.ts",
    find: " || !log.isHighWatermarkCurrent",
    replacement: "",
  },
  {
    name: "an old image takes a log's later epochs",
    scenario: "full-restart",
    file: "src/replication/partition.ts",
    find: "    if (image.leaderEpoch > leaderEpoch) this",
    replacement: "    if (image.leaderEpoch > leaderEpoch - 1_000_000) this",
  },
  {
    name: "epoch and vote are not written",
    scenario: "controller-failover",
    file: "src/raft/action-performer.ts",
    find: "      writeQuorumState(disk, this.#directory, state, kraftVersion, ids);\n",
    replacement: "",
  },
];
