/**
 * Brings a member nearer to its target assignment: it gives up first, then it gets what nobody else owns any more.
 *
 * ```
 * stable ──new target──▶ unrevoked ──gave up──▶ unreleased ──others gave up──▶ stable
 * ```
 */
import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { Assignment, OwnedPartitions } from "./assignment.ts";
import { NO_PARTITIONS } from "./assignment.ts";
import type { ConsumerMember } from "./consumer-member.ts";

export interface ReconcileFacts {
  readonly targetEpoch: number;
  readonly target: Assignment;
  /** Epoch of the member that owns a partition, −1 for nobody. */
  readonly ownerEpoch: (topicId: string, partition: number) => number;
  /** What the member says it owns; null when it does not say. */
  readonly owned: readonly { readonly topicId: string; readonly partitions: readonly number[] }[] | null;
}

/** The member after its next step; the same object when it makes none. Throws FENCED_MEMBER_EPOCH for a state nobody here understands. */
export function reconcile(member: ConsumerMember, facts: ReconcileFacts): ConsumerMember {
  switch (member.state) {
    case "stable":
      return member.memberEpoch === facts.targetEpoch ? member : nextStep(member, member.memberEpoch, facts);
    case "unrevoked":
      // Given up is what the member no longer names.
      if (ownsAny(facts.owned, member.revoking)) return member;
      return nextStep(member, member.memberEpoch + 1, facts);
    case "unreleased":
      return nextStep(member, member.memberEpoch, facts);
    case "unknown":
      if (facts.owned === null || facts.owned.length > 0) {
        throw new ApiError(
          Errors.FENCED_MEMBER_EPOCH,
          "The member's state was written by a newer broker. It must give up all its partitions and join again.",
        );
      }
      return nextStep(member, facts.targetEpoch, facts);
  }
}

function nextStep(member: ConsumerMember, epoch: number, facts: ReconcileFacts): ConsumerMember {
  const { target, targetEpoch, ownerEpoch } = facts;
  const kept = new Map<string, ReadonlyMap<number, number>>();
  const surplus = new Map<string, ReadonlyMap<number, number>>();
  for (const [topicId, epochs] of member.assigned) {
    const wanted = target.get(topicId);
    put(kept, topicId, new Map([...epochs].filter(([partition]) => wanted?.has(partition))));
    put(surplus, topicId, new Map([...epochs].filter(([partition]) => !wanted?.has(partition))));
  }
  if (surplus.size > 0 && ownsAny(facts.owned, surplus)) {
    return {
      ...member,
      state: "unrevoked",
      memberEpoch: epoch,
      previousMemberEpoch: member.memberEpoch,
      assigned: kept,
      revoking: surplus,
    };
  }
  let isWaiting = false;
  for (const [topicId, wanted] of target) {
    const epochs = new Map(kept.get(topicId));
    for (const partition of wanted) {
      if (epochs.has(partition)) continue;
      if (ownerEpoch(topicId, partition) === -1) epochs.set(partition, targetEpoch);
      else isWaiting = true;
    }
    put(kept, topicId, epochs);
  }
  const next: ConsumerMember = {
    ...member,
    state: isWaiting ? "unreleased" : "stable",
    memberEpoch: targetEpoch,
    previousMemberEpoch: member.memberEpoch,
    assigned: kept,
    revoking: NO_PARTITIONS,
  };
  return isWaiting && isSameStep(member, next) ? member : next;
}

/** Nothing has become free for a member that waits. */
function isSameStep(a: ConsumerMember, b: ConsumerMember): boolean {
  if (a.state !== b.state || a.memberEpoch !== b.memberEpoch || a.assigned.size !== b.assigned.size) return false;
  for (const [topicId, epochs] of b.assigned) if (a.assigned.get(topicId)?.size !== epochs.size) return false;
  return true;
}

/** Whether a member that does not say so may still own any of these. */
function ownsAny(owned: ReconcileFacts["owned"], partitions: OwnedPartitions): boolean {
  if (owned === null) return true;
  return owned.some(({ topicId, partitions: own }) => own.some(partition => partitions.get(topicId)?.has(partition)));
}

function put(
  map: Map<string, ReadonlyMap<number, number>>,
  topicId: string,
  epochs: ReadonlyMap<number, number>,
): void {
  if (epochs.size > 0) map.set(topicId, epochs);
}
