/** How far the replicas of the metadata log have come, as its leader knows it and DescribeQuorum tells it. */
import type { Clock } from "../platform/platform.ts";
import type { RaftCore } from "./core.ts";
import type { ReplicaKey } from "./voter-set.ts";

/** Times are of the wall clock, -1 for never. */
export interface ReplicaStatus {
  readonly key: ReplicaKey;
  readonly endOffset: number;
  readonly lastFetchMs: number;
  readonly lastCaughtUpMs: number;
}

export interface QuorumStatus {
  readonly voters: readonly ReplicaStatus[];
  readonly observers: readonly ReplicaStatus[];
}

/** Null when this node, `self`, does not lead. Its own log ends at `logEndOffset`. */
export function quorumStatus(
  core: RaftCore,
  self: ReplicaKey,
  logEndOffset: number,
  clock: Clock,
): QuorumStatus | null {
  const { leadership, voters } = core;
  if (leadership === null) return null;
  const nowMs = clock.monotonic();
  const toWall = (atMs: number): number => (atMs < 0 ? -1 : clock.now() - Math.round(nowMs - atMs));
  const { progress } = leadership;
  const describe = (key: ReplicaKey, found = progress.get(key)): ReplicaStatus => ({
    key,
    endOffset: found?.endOffset ?? -1,
    lastFetchMs: toWall(found?.lastFetchMs ?? -1),
    lastCaughtUpMs: toWall(found?.lastCaughtUpMs ?? -1),
  });
  return {
    voters: voters.voters.map(({ voterId, voterDirectoryId }) => {
      const key = { id: voterId, directoryId: voterDirectoryId };
      if (voterId !== self.id || !voters.has(self)) return describe(key, progress.ofVoter(voters, voterId));
      const now = clock.now();
      return { key, endOffset: logEndOffset, lastFetchMs: now, lastCaughtUpMs: now };
    }),
    observers: progress.observers(voters, nowMs).map(({ key }) => describe(key)),
  };
}
