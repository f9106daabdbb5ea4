/**
 * Sets of partitions, by topic id, as assignments are made of.
 */

/** What a member should own. Topic id → partitions, ascending. No empty sets. */
export type Assignment = ReadonlyMap<string, ReadonlySet<number>>;

/** What a member owns, with the member epoch in which it was given each partition (KIP-1251). Topic id → partition → epoch. */
export type OwnedPartitions = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** The form of requests, responses and records. */
export interface TopicPartitions {
  topicId: string;
  partitions: number[];
}

export const NO_PARTITIONS: OwnedPartitions = new Map();
export const NO_TARGET: Assignment = new Map();

export function assignmentOf(list: readonly { topicId: string; partitions: readonly number[] }[]): Assignment {
  const assignment = new Map<string, Set<number>>();
  for (const { topicId, partitions } of list) {
    if (partitions.length > 0) assignment.set(topicId, new Set(partitions));
  }
  return assignment;
}

export function topicPartitionsOf(assignment: Assignment | OwnedPartitions): TopicPartitions[] {
  const list: TopicPartitions[] = [];
  for (const [topicId, partitions] of assignment) list.push({ topicId, partitions: sorted(partitions.keys()) });
  return list;
}

/** Records name the partitions and, beside them, their epochs. */
export function ownedTopicPartitionsOf(owned: OwnedPartitions): (TopicPartitions & { assignmentEpochs: number[] })[] {
  return Array.from(owned, ([topicId, epochs]) => {
    const partitions = sorted(epochs.keys());
    return { topicId, partitions, assignmentEpochs: partitions.map(partition => epochs.get(partition)!) };
  });
}

/** `defaultEpoch` is for records of brokers that did not write epochs. */
export function ownedPartitionsOf(
  list: readonly { topicId: string; partitions: readonly number[]; assignmentEpochs: readonly number[] | null }[],
  defaultEpoch: number,
): OwnedPartitions {
  const owned = new Map<string, Map<number, number>>();
  for (const { topicId, partitions, assignmentEpochs } of list) {
    if (partitions.length === 0) continue;
    owned.set(
      topicId,
      new Map(partitions.map((partition, index) => [partition, assignmentEpochs?.[index] ?? defaultEpoch])),
    );
  }
  return owned;
}

/** Whether both name the same partitions, whatever their epochs. */
export function areSamePartitions(a: Assignment | OwnedPartitions, b: Assignment | OwnedPartitions): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.size !== partitions.size) return false;
    for (const partition of partitions.keys()) if (!others.has(partition)) return false;
  }
  return true;
}

/** Whether `owned` has nothing that `of` has not. */
export function isSubset(
  owned: readonly { topicId: string; partitions: readonly number[] }[],
  of: OwnedPartitions,
): boolean {
  return owned.every(({ topicId, partitions }) =>
    partitions.every(partition => of.get(topicId)?.has(partition) ?? false),
  );
}

function sorted(partitions: Iterable<number>): number[] {
  return Array.from(partitions).sort((a, b) => a - b);
}
