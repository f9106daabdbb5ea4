/**
 * What server-side assignors work on. They are pure functions: members and topics in, who should own what out.
 */
import type { Assignment } from "../assignment.ts";

export interface AssignorMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** Ids of the topics it wants that exist, each once. */
  readonly topicIds: readonly string[];
  /** What it should own so far. */
  readonly target: Assignment;
}

export interface AssignorInput {
  /** At least one. */
  readonly members: readonly AssignorMember[];
  /** All members want the same topics. */
  readonly isHomogeneous: boolean;
  readonly partitionCount: (topicId: string) => number;
}

/** Gives every member an assignment, which may be empty, and every partition of every wanted topic to exactly one member that wants it. */
export type Assignor = (input: AssignorInput) => Map<string, Assignment>;

/** A growing assignment. */
export type AssignmentDraft = Map<string, Set<number>>;

export function give(draft: AssignmentDraft, topicId: string, partition: number): void {
  const partitions = draft.get(topicId);
  if (partitions === undefined) draft.set(topicId, new Set([partition]));
  else partitions.add(partition);
}

export function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
