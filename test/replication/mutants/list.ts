/** Ways to break replication, each small enough to slip through a review. The model must notice every one of them. */
export interface Mutant extends Edit {
  readonly name: string;
  /** What has to change with it, where another line holds the same rule. */
  readonly and?: Edit;
}

export interface Edit {
  readonly file: string;
  /** Must stand exactly once in the file. */
  readonly from: string;
  readonly to: string;
}

const LEADER = "src/replication/leader-role.ts";
const FOLLOWER = "src/replication/follower-role.ts";
const PARTITION = "src/replication/partition.ts";
const ISR = "src/replication/isr.ts";
const WATERMARK = "src/replication/high-watermark.ts";

export const mutants: readonly Mutant[] = [
  {
    name: "the leader counts what it has not flushed",
    file: LEADER,
    from: "const { highWatermark, promisedOffset: flushedOffset } = this.#log;",
    to: "const { highWatermark, logEndOffset: flushedOffset } = this.#log;",
  },
  {
    name: "a follower claims what it has not flushed",
    file: FOLLOWER,
    from: "    if (promisedOffset < logEndOffset) return null;\n",
    to: "    void promisedOffset;\n",
  },
  {
    name: "a follower asks on before it has flushed",
    file: FOLLOWER,
    from: "    if (promisedOffset < logEndOffset) return null;\n",
    to: "    void promisedOffset;\n",
    and: {
      file: "src/replication/fetcher/follower-fetcher.ts",
      from: "      this.#modules.flush(log).then(() => {\n        this.#flushing",
      to: "      Promise.resolve().then(() => {\n        this.#flushing",
    },
  },
  {
    name: "a diverging fetch earns credit",
    file: "src/handlers/fetch/fetch-reader.ts",
    from: "    if (request.lastFetchedEpoch >= 0) {\n      const answer",
    to:
      "    if (this.#limits.follower !== null)\n" +
      "      replica.followerFetched(this.#limits.follower.replicaId, { ...request, brokerEpoch: this.#limits.follower.brokerEpoch });\n" +
      "    if (request.lastFetchedEpoch >= 0) {\n      const answer",
  },
  {
    name: "a follower joins below the start of the leader's epoch",
    file: ISR,
    from: "if (follower.endOffset < Math.max(highWatermark, epochStartOffset)) return null;",
    to: "if (follower.endOffset < highWatermark || epochStartOffset < 0) return null;",
  },
  {
    name: "a follower joins below the high watermark",
    file: ISR,
    from: "if (follower.endOffset < Math.max(highWatermark, epochStartOffset)) return null;",
    to: "if (follower.endOffset < epochStartOffset || highWatermark < 0) return null;",
  },
  {
    name: "the high watermark looks at the committed ISR only",
    file: ISR,
    from: 'return pending?.kind === "expand" ? pending.isr : committed;',
    to: "return pending === null ? committed : committed;",
  },
  {
    name: "the high watermark looks at the proposed ISR only",
    file: ISR,
    from: 'return pending?.kind === "expand" ? pending.isr : committed;',
    to: "return pending?.isr ?? committed;",
  },
  {
    name: "the high watermark waits for the leader alone",
    file: WATERMARK,
    from: "if (follower.endOffset < lowest && counts(follower))",
    to: "if (follower.endOffset < lowest && counts(follower) && follower.id < 0)",
  },
  {
    name: "a follower truncates to its high watermark",
    file: FOLLOWER,
    from: "if (log.leaderEpoch < 0 && log.logEndOffset > log.highWatermark)",
    to: "if (log.logEndOffset > log.highWatermark)",
  },
  {
    name: "a follower that diverges truncates to its high watermark",
    file: FOLLOWER,
    from: "this.#log.truncateTo(truncationOffset(diverging, local, this.#log.logEndOffset))",
    to: "this.#log.truncateTo(Math.min(this.#log.highWatermark, truncationOffset(diverging, local, this.#log.logEndOffset)))",
  },
  {
    name: "a follower that diverges truncates nothing",
    file: FOLLOWER,
    from: "cutting(() => this.#log.truncateTo(truncationOffset(diverging, local, this.#log.logEndOffset)))",
    to: "cutting(() => void [truncationOffset, diverging, local])",
  },
  {
    name: "a follower truncates by offset and not by epoch",
    file: "src/replication/truncation.ts",
    from: "  if (local.leaderEpoch !== diverging.leaderEpoch) return Math.min(local.endOffset, logEndOffset);\n",
    to: "  if (local.leaderEpoch !== diverging.leaderEpoch) return Math.min(diverging.endOffset, logEndOffset);\n",
  },
  {
    name: "a follower raises its high watermark before it truncates",
    file: FOLLOWER,
    from: "    if (divergingEpoch.epoch >= 0) return this.#truncate(divergingEpoch);\n",
    to: "    if (divergingEpoch.epoch >= 0) this.#follow(fetched);\n    if (divergingEpoch.epoch >= 0) return this.#truncate(divergingEpoch);\n",
  },
  {
    name: "a leader does not compare epochs of logs",
    file: LEADER,
    from: "return end.leaderEpoch >= lastFetchedEpoch && end.endOffset >= fetchOffset ? null : end;",
    to: "return end.leaderEpoch >= -1 ? null : end;",
  },
  {
    name: "a leader does not note where its epoch begins",
    file: PARTITION,
    from: "    if (image.leaderEpoch > leaderEpoch) this.#log.assignEpochStart(image.leaderEpoch, logEndOffset);\n",
    to: "",
  },
  {
    name: "an epoch without records stays when nothing else is to be cut",
    file: "src/log/log-truncation.ts",
    from: "if (state.epochs.epochs.truncateFromEnd(state.logEndOffset)) state.epochs.changed();\n      return false;",
    to: "return false;",
  },
  {
    name: "old metadata takes back what the controller answered",
    file: LEADER,
    from: "    if (image.partitionEpoch <= this.#partitionEpoch) return;\n",
    to: "",
  },
  {
    name: "a proposal is forgotten that may have been carried out",
    file: LEADER,
    from: "      case Errors.INELIGIBLE_REPLICA:\n",
    to: "      case Errors.INELIGIBLE_REPLICA:\n      case Errors.INVALID_UPDATE_VERSION:\n",
  },
  {
    name: "a leader goes on in a new epoch as in the old one",
    file: PARTITION,
    from: "    if (this.#leader?.leaderEpoch === image.leaderEpoch) {\n",
    to: "    if (this.#leader !== null) {\n",
  },
  {
    name: "a follower below the leader's log start stays where it is",
    file: FOLLOWER,
    from: "    else if (leaderStartOffset > log.logEndOffset) log.truncateFullyAndStartAt(leaderStartOffset);\n",
    to: "    else void leaderStartOffset;\n",
  },
  {
    name: "a follower does not take a batch in which the leader's log starts",
    file: FOLLOWER,
    from: "const room = this.#makeRoomForFirst(records, leaderStartOffset);",
    to: "const room = [this.#makeRoomForFirst, leaderStartOffset] && NOTHING_NEW;",
  },
  {
    name: "a follower keeps what its leader has deleted",
    file: FOLLOWER,
    from: "    if (logStartOffset > log.logStartOffset) log.advanceLogStart(Math.min(logStartOffset, log.highWatermark));\n",
    to: "    void logStartOffset;\n",
  },
];
