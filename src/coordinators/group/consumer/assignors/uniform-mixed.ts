/**
 * `uniform` where members want different topics: first what they had, then what nobody has, to whoever has least; then partitions move from
 * members with more to members with less, over others where they have no topic in common, until it cannot be more even.
 */
import { type AssignmentDraft, type AssignorInput, compareIds, give } from "./assignor.ts";

interface Load {
  readonly memberId: string;
  readonly topicIds: ReadonlySet<string>;
  readonly draft: AssignmentDraft;
  count: number;
}

interface Topic {
  readonly topicId: string;
  readonly partitionCount: number;
  readonly subscribers: Load[];
  /** Who has each partition. */
  readonly owners: (Load | undefined)[];
}

export function assignMixed({ members, partitionCount }: AssignorInput): Map<string, AssignmentDraft> {
  const loads = members
    .map(({ memberId, topicIds }): Load => ({ memberId, topicIds: new Set(topicIds), draft: new Map(), count: 0 }))
    .sort((a, b) => compareIds(a.memberId, b.memberId));
  const topics = topicsOf(loads, partitionCount);
  keepTargets(new Map(members.map(member => [member.memberId, member.target])), loads, topics);
  // Topics with the fewest takers first: their partitions have the least choice.
  const ordered = [...topics.values()].sort(
    (a, b) =>
      a.subscribers.length - b.subscribers.length ||
      b.partitionCount - a.partitionCount ||
      compareIds(a.topicId, b.topicId),
  );
  for (const topic of ordered) assignFree(topic);
  balance(ordered);
  balanceOverOthers(loads, ordered);
  return new Map(loads.map(({ memberId, draft }) => [memberId, draft]));
}

function topicsOf(loads: readonly Load[], partitionCount: (topicId: string) => number): Map<string, Topic> {
  const topics = new Map<string, Topic>();
  for (const load of loads) {
    for (const topicId of load.topicIds) {
      let topic = topics.get(topicId);
      if (topic === undefined) {
        const count = partitionCount(topicId);
        topic = { topicId, partitionCount: count, subscribers: [], owners: new Array(count).fill(undefined) };
        topics.set(topicId, topic);
      }
      topic.subscribers.push(load);
    }
  }
  return topics;
}

function keepTargets(
  targets: ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<number>>>,
  loads: readonly Load[],
  topics: ReadonlyMap<string, Topic>,
): void {
  for (const load of loads) {
    for (const [topicId, partitions] of targets.get(load.memberId)!) {
      const topic = topics.get(topicId);
      if (topic === undefined || !load.topicIds.has(topicId)) continue;
      for (const partition of partitions) {
        if (partition < topic.partitionCount && topic.owners[partition] === undefined) own(topic, partition, load);
      }
    }
  }
}

function assignFree(topic: Topic): void {
  for (let partition = 0; partition < topic.partitionCount; partition += 1) {
    if (topic.owners[partition] === undefined) own(topic, partition, lightest(topic.subscribers));
  }
}

/** Every move makes the sum of squared loads smaller, so this ends. */
function balance(topics: readonly Topic[]): void {
  let hasMoved = true;
  while (hasMoved) {
    hasMoved = false;
    for (const topic of topics) {
      if (topic.subscribers.length < 2) continue;
      for (let partition = 0; partition < topic.partitionCount; partition += 1) {
        const owner = topic.owners[partition]!;
        const target = lightest(topic.subscribers);
        if (owner.count - target.count < 2) continue;
        disown(topic, partition, owner);
        own(topic, partition, target);
        hasMoved = true;
      }
    }
  }
}

/** How a member is reached from one that has too much: over `from`, which has a partition of the topic to pass on. */
interface Step {
  readonly from: Load;
  readonly topic: Topic;
}

/**
 * Where who has too much shares no topic with who has too little, partitions go in a chain over members in between. Without such a chain nothing is more
 * even: the sum of squared loads is then the least there is.
 */
function balanceOverOthers(loads: readonly Load[], topics: readonly Topic[]): void {
  // Whom a search has found, that found nobody to give to, can give nothing away either: they reach no more than it did, and have no more than it had.
  const settled = new Set<Load>();
  for (;;) {
    let heaviest: Load | undefined;
    for (const load of loads) {
      if (!settled.has(load) && (heaviest === undefined || load.count > heaviest.count)) heaviest = load;
    }
    if (heaviest === undefined) return;
    const steps = reachableFrom(heaviest, topics, settled);
    const target = lightest([heaviest, ...steps.keys()]);
    if (heaviest.count - target.count < 2) {
      settled.add(heaviest);
      for (const load of steps.keys()) settled.add(load);
    } else passOn(heaviest, target, steps);
  }
}

/** Everybody to whom a partition can be passed on, nearest first, with the last step to them. */
function reachableFrom(start: Load, topics: readonly Topic[], settled: ReadonlySet<Load>): Map<Load, Step> {
  const steps = new Map<Load, Step>();
  const untried = new Set(topics);
  const queue = [start];
  for (let head = 0; head < queue.length; head += 1) {
    const from = queue[head]!;
    for (const topic of untried) {
      if (!from.draft.has(topic.topicId)) continue;
      untried.delete(topic);
      for (const load of topic.subscribers) {
        if (load === start || steps.has(load) || settled.has(load)) continue;
        steps.set(load, { from, topic });
        queue.push(load);
      }
    }
  }
  return steps;
}

function passOn(start: Load, end: Load, steps: ReadonlyMap<Load, Step>): void {
  for (let to = end; to !== start; ) {
    const { from, topic } = steps.get(to)!;
    const partition = topic.owners.lastIndexOf(from);
    disown(topic, partition, from);
    own(topic, partition, to);
    to = from;
  }
}

function lightest(loads: readonly Load[]): Load {
  let least = loads[0]!;
  for (const load of loads) if (load.count < least.count) least = load;
  return least;
}

function own(topic: Topic, partition: number, load: Load): void {
  topic.owners[partition] = load;
  give(load.draft, topic.topicId, partition);
  load.count += 1;
}

function disown(topic: Topic, partition: number, load: Load): void {
  const partitions = load.draft.get(topic.topicId)!;
  partitions.delete(partition);
  if (partitions.size === 0) load.draft.delete(topic.topicId);
  load.count -= 1;
}
