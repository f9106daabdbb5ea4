/**
 * The `range` assignor: of every topic each member gets a row of neighbouring partitions. Topics with as many partitions are shared out alike when
 * all members want the same topics, so that equal keys of several topics meet in one member.
 *
 * Members go by instance id, static ones first, then by member id; the first ones get the partitions that are left over.
 */
import { type AssignmentDraft, type Assignor, type AssignorMember, compareIds } from "./assignor.ts";

interface TopicShare {
  readonly partitionCount: number;
  subscriberCount: number;
  /** The next member's row begins here. */
  next: number;
  /** Members that have had their row. */
  served: number;
}

export const assignRange: Assignor = ({ members, partitionCount }) => {
  const ordered = [...members].sort(compareMembers);
  const topics = new Map<string, TopicShare>();
  for (const { topicIds } of ordered) {
    for (const topicId of topicIds) {
      const share = topics.get(topicId);
      if (share !== undefined) share.subscriberCount += 1;
      else topics.set(topicId, { partitionCount: partitionCount(topicId), subscriberCount: 1, next: 0, served: 0 });
    }
  }
  return new Map(ordered.map(({ memberId, topicIds }) => [memberId, nextRows(topicIds, topics)]));
};

function nextRows(topicIds: readonly string[], topics: ReadonlyMap<string, TopicShare>): AssignmentDraft {
  const rows: AssignmentDraft = new Map();
  for (const topicId of topicIds) {
    const share = topics.get(topicId)!;
    const isExtra = share.served < share.partitionCount % share.subscriberCount;
    const size = Math.floor(share.partitionCount / share.subscriberCount) + (isExtra ? 1 : 0);
    share.served += 1;
    if (size === 0) continue;
    const { next } = share;
    rows.set(topicId, new Set(Array.from({ length: size }, (_, index) => next + index)));
    share.next += size;
  }
  return rows;
}

function compareMembers(a: AssignorMember, b: AssignorMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compareIds(a.instanceId, b.instanceId);
  if (a.instanceId !== null) return -1;
  return b.instanceId !== null ? 1 : compareIds(a.memberId, b.memberId);
}
