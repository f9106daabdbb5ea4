/**
 * `uniform` where all members want the same topics: quotas of equal size, the rest spread over those that have most already.
 */
import { type AssignmentDraft, type AssignorInput, type AssignorMember, compareIds, give } from "./assignor.ts";

interface Share {
  readonly member: AssignorMember;
  readonly draft: AssignmentDraft;
  count: number;
}

export function assignAlike({ members, partitionCount }: AssignorInput): Map<string, AssignmentDraft> {
  const topicIds = members[0]!.topicIds;
  const owned = new Map(topicIds.map(topicId => [topicId, new Set<number>()]));
  const shares = members.map(member => keep(member, owned, partitionCount));
  let totalCount = 0;
  const free: { topicId: string; partition: number }[] = [];
  for (const topicId of topicIds) {
    const count = partitionCount(topicId);
    totalCount += count;
    for (let partition = 0; partition < count; partition += 1) {
      if (!owned.get(topicId)!.has(partition)) free.push({ topicId, partition });
    }
  }
  // Who has more keeps more: fewer partitions move.
  shares.sort((a, b) => b.count - a.count || compareIds(a.member.memberId, b.member.memberId));
  const minQuota = Math.floor(totalCount / members.length);
  const extraCount = totalCount % members.length;
  const quotaOf = (index: number) => minQuota + (index < extraCount ? 1 : 0);
  for (const [index, share] of shares.entries()) release(share, quotaOf(index), free);
  let next = 0;
  for (const [index, share] of shares.entries()) {
    while (share.count < quotaOf(index) && next < free.length) {
      const { topicId, partition } = free[next]!;
      give(share.draft, topicId, partition);
      share.count += 1;
      next += 1;
    }
  }
  return new Map(shares.map(({ member, draft }) => [member.memberId, draft]));
}

/** What a member had and may still have. */
function keep(
  member: AssignorMember,
  owned: ReadonlyMap<string, Set<number>>,
  partitionCount: (topicId: string) => number,
): Share {
  const draft: AssignmentDraft = new Map();
  let count = 0;
  for (const [topicId, partitions] of member.target) {
    const taken = owned.get(topicId);
    if (taken === undefined) continue;
    for (const partition of partitions) {
      if (partition >= partitionCount(topicId) || taken.has(partition)) continue;
      taken.add(partition);
      give(draft, topicId, partition);
      count += 1;
    }
  }
  return { member, draft, count };
}

/** Takes away what is above the quota, last partitions first. */
function release(share: Share, quota: number, free: { topicId: string; partition: number }[]): void {
  if (share.count <= quota) return;
  const all = Array.from(share.draft, ([topicId, partitions]) =>
    Array.from(partitions, partition => ({ topicId, partition })),
  ).flat();
  for (const { topicId, partition } of all.slice(quota)) {
    const partitions = share.draft.get(topicId)!;
    partitions.delete(partition);
    if (partitions.size === 0) share.draft.delete(topicId);
    free.push({ topicId, partition });
  }
  share.count = quota;
}
