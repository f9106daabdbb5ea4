/** Changes to the Raft code that break it, each of which the simulated quorum has to notice. */
import type { Mutant } from "./mutant.ts";

const CHANGES = "src/raft/changing-voters.ts";
const CORE = "src/raft/core.ts";
const ELECTIONS = "src/raft/elections.ts";
const FOLLOWING = "src/raft/following.ts";
const LEADING = "src/raft/leading.ts";
const LOG = "src/raft/quorum-log.ts";

export const quorumMutants: readonly Mutant[] = [
  {
    name: "epoch and vote are not written",
    file: "src/raft/action-performer.ts",
    find: "      writeQuorumState(disk, this.#directory, state, kraftVersion, ids);\n",
    replacement: "",
  },
  {
    name: "the quorum's state is not synced",
    file: "src/platform/files.ts",
    find: "    file.syncNow();\n  } finally {",
    replacement: "  } finally {",
  },
  {
    name: "the leader's own log counts before it is flushed",
    file: LEADING,
    find: "committedOffset(member.voters, member.options.self, log.flushedOffset)",
    replacement: "committedOffset(member.voters, member.options.self, log.logEndOffset)",
  },
  {
    name: "a follower asks for more before it has flushed",
    file: FOLLOWING,
    find: "  if (log.flushedOffset < log.logEndOffset) return false;\n",
    replacement: "",
  },
  {
    name: "records of earlier epochs are committed by counting",
    file: LEADING,
    find: "committed > role.epochStartOffset && ",
    replacement: "",
  },
  {
    name: "votes go to logs that are behind",
    file: ELECTIONS,
    find: "  if (!isUpToDate(member.modules.log, lastEpoch, endOffset)) return false;\n",
    replacement: "  void [isUpToDate, lastEpoch, endOffset];\n",
  },
  {
    name: "two votes in one epoch",
    file: ELECTIONS,
    find: "return votedId === -1 || (votedId === candidate.id && votedDirectoryId === candidate.directoryId);",
    replacement: "return votedId === -1 || votedDirectoryId !== candidate.id.toString();",
  },
  {
    name: "half of the voters are enough",
    file: "src/raft/voter-set.ts",
    find: "Math.floor(this.voters.length / 2) + 1",
    replacement: "Math.max(1, Math.floor(this.voters.length / 2))",
  },
  {
    name: "a position that diverges counts as progress",
    file: LEADING,
    find: "    role.progress.heardOf(replica, nowMs);\n  }\n  return decision;",
    replacement: "    role.progress.fetched(replica, fetchOffset, log.logEndOffset, nowMs);\n  }\n  return decision;",
  },
  {
    name: "epochs of positions are not compared",
    file: "src/raft/fetch-decision.ts",
    find: "if (at.epoch !== epoch || at.endOffset < offset)",
    replacement: "if (at.endOffset < offset && epoch > 1_000_000)",
  },
  {
    name: "a follower cuts nothing",
    file: "src/raft/fetch-decision.ts",
    find: "own.epoch === at.epoch ? Math.min(own.endOffset, at.endOffset) : own.endOffset",
    replacement: "Math.max(own.endOffset, log.logEndOffset)",
  },
  {
    name: "a new directory votes for the old one",
    file: "src/raft/voter-set.ts",
    find: "voter.voterDirectoryId === ZERO_UUID || voter.voterDirectoryId === directoryId",
    replacement: "voter.voterDirectoryId === ZERO_UUID || directoryId !== ZERO_UUID",
  },
  {
    name: "a follower tells what it has not flushed",
    file: FOLLOWING,
    find: "Math.min(member.leaderHighWatermark, member.modules.log.flushedOffset)",
    replacement: "member.leaderHighWatermark",
  },
  {
    name: "voters of a batch that was cut away stay",
    file: LOG,
    find: "    this.#quorum.truncateTo(endOffset);\n",
    replacement: "",
  },
  {
    name: "a snapshot is installed without cutting the log",
    file: LOG,
    find: "    this.#modules.log.truncateFullyAndStartAt(id.endOffset);\n",
    replacement: "",
  },
  {
    name: "an append that was taken back counts as done",
    file: LOG,
    find: "    if (this.endOffset <= lastOffset) return",
    replacement: "    if (this.endOffset < 0) return",
  },
  {
    name: "answers to fetches of an earlier role are taken",
    file: CORE,
    find: "    const isCurrent = token === member.fetchToken && member.isFetching;\n",
    replacement: '    const isCurrent = member.role.kind === "follower";\n    token = member.fetchToken;\n',
  },
  {
    name: "the upgrade of kraft.version is written in two batches",
    file: CHANGES,
    find: '    member.actions.push({ type: "appendControls", epoch: member.epoch, controls });\n',
    replacement:
      '    for (const one of controls) member.actions.push({ type: "appendControls", epoch: member.epoch, controls: [one] });\n',
  },
  {
    name: "a change of the voters is told before it is committed",
    file: CHANGES,
    find: "  if (offset >= member.highWatermark) return;\n",
    replacement: "  void offset;\n",
  },
  {
    name: "a new leader tells of its high watermark before it has committed",
    file: "src/raft/quorum-service.ts",
    find: "return core.isHighWatermarkCurrent ? core.highWatermark : -1;",
    replacement: "return core.highWatermark;",
  },
];
