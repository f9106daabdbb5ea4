/**
 * Topics and partitions of a metadata image, and the editor that changes them.
 *
 * A change of one partition copies its topic's list of references and a few trie nodes; everything else is shared with the image before.
 */
import type { PartitionChangeRecord, PartitionRecord } from "../../protocol/internal/metadata/topic.ts";
import { MetadataError } from "./metadata-error.ts";
import { type MapEditor, PersistentMap } from "./persistent-map.ts";

/** No broker leads the partition. */
export const NO_LEADER = -1;

/** In a PartitionChangeRecord: the leader stays. */
export const NO_LEADER_CHANGE = -2;

/** In a PartitionChangeRecord: the recovery state stays. */
const NO_RECOVERY_STATE_CHANGE = -1;

/** The leader was elected outside the ISR and has yet to make the others follow (KIP-704). */
export const RECOVERING = 1;
export const RECOVERED = 0;

/** Stands for the directory of a replica that was assigned before KIP-858. */
export const MIGRATING_DIRECTORY = "AAAAAAAAAAAAAAAAAAAAAA";
/** Stands for a directory that the broker is still to choose. */
export const UNASSIGNED_DIRECTORY = "AAAAAAAAAAAAAAAAAAAAAQ";
/** Stands for a directory that is offline. */
export const LOST_DIRECTORY = "AAAAAAAAAAAAAAAAAAAAAg";

/** One partition, in the words of Kafka's PartitionRecord. Lists of replicas hold broker ids. */
export interface PartitionImage {
  readonly partition: number;
  readonly replicas: readonly number[];
  /** The log directory of each replica, by position in {@link replicas}. */
  readonly directories: readonly string[];
  readonly isr: readonly number[];
  readonly removingReplicas: readonly number[];
  readonly addingReplicas: readonly number[];
  /** Replicas outside the ISR that still hold all that was committed (KIP-966). */
  readonly eligibleLeaderReplicas: readonly number[];
  readonly lastKnownElr: readonly number[];
  /** Broker id, or {@link NO_LEADER}. */
  readonly leader: number;
  readonly leaderRecoveryState: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
}

export interface TopicImage {
  readonly id: string;
  readonly name: string;
  /** By partition number, without gaps. */
  readonly partitions: readonly PartitionImage[];
}

/** All topics. */
export class TopicsImage {
  static readonly empty = new TopicsImage(PersistentMap.empty(), PersistentMap.empty());

  readonly byId: PersistentMap<TopicImage>;
  readonly byName: PersistentMap<TopicImage>;

  constructor(byId: PersistentMap<TopicImage>, byName: PersistentMap<TopicImage>) {
    this.byId = byId;
    this.byName = byName;
  }

  get size(): number {
    return this.byId.size;
  }

  partition(topicId: string, partition: number): PartitionImage | undefined {
    return this.byId.get(topicId)?.partitions[partition];
  }

  edit(): TopicsEditor {
    return new TopicsEditor(this);
  }
}

/** What happened to one topic between two images. */
export interface TopicChange {
  readonly topicId: string;
  readonly name: string;
  /** Null when the topic is new. */
  readonly before: TopicImage | null;
  /** Null when the topic is gone. */
  readonly after: TopicImage | null;
  /** Numbers of the partitions that are new or changed; empty when the topic is gone. */
  readonly partitions: ReadonlySet<number>;
}

interface TopicDraft {
  readonly id: string;
  readonly name: string;
  readonly before: TopicImage | null;
  readonly partitions: PartitionImage[];
  readonly changed: Set<number>;
}

/** Gathers changes to a {@link TopicsImage}. */
export class TopicsEditor {
  readonly #base: TopicsImage;
  readonly #drafts = new Map<string, TopicDraft>();
  readonly #removed = new Map<string, TopicImage | null>();

  constructor(base: TopicsImage) {
    this.#base = base;
  }

  addTopic(id: string, name: string): void {
    if (this.#drafts.has(id) || this.#isInBase(id)) throw new MetadataError(`topic id ${id} is taken already`);
    this.#drafts.set(id, { id, name, before: null, partitions: [], changed: new Set() });
  }

  setPartition(record: PartitionRecord): void {
    this.#put(this.#draft(record.topicId), partitionFromRecord(record));
  }

  changePartition(record: PartitionChangeRecord): void {
    const draft = this.#draft(record.topicId);
    const before = draft.partitions[record.partitionId];
    if (before === undefined) {
      throw new MetadataError(`partition ${draft.name}-${record.partitionId} is changed but does not exist`);
    }
    this.#put(draft, changedPartition(before, record));
  }

  /** Removes a topic and returns its name. */
  removeTopic(id: string): string {
    const draft = this.#draft(id);
    this.#drafts.delete(id);
    this.#removed.set(id, draft.before);
    return draft.name;
  }

  /** Empties the ELR of the topic's partitions, of all topics when `name` is empty (KIP-966). Epochs stay. */
  clearElr(name: string): void {
    if (name === "") {
      for (const topic of this.#base.byId.values()) this.#clearElr(topic.id);
      for (const id of [...this.#drafts.keys()]) this.#clearElr(id);
      return;
    }
    const id = this.#idOf(name);
    if (id === undefined) throw new MetadataError(`the ELR of unknown topic ${name} is cleared`);
    this.#clearElr(id);
  }

  /** The new image, and what changed, by topic id. */
  finish(): { image: TopicsImage; changes: Map<string, TopicChange> } {
    const changes = new Map<string, TopicChange>();
    if (this.#drafts.size === 0 && this.#removed.size === 0) return { image: this.#base, changes };
    const byId = this.#base.byId.edit();
    const byName = this.#base.byName.edit();
    for (const [topicId, before] of this.#removed) {
      if (before === null) continue;
      byId.delete(topicId);
      // The name may have been given to a new topic since.
      if (byName.get(before.name)?.id === topicId) byName.delete(before.name);
      changes.set(topicId, { topicId, name: before.name, before, after: null, partitions: new Set() });
    }
    for (const draft of this.#drafts.values()) {
      const topic: TopicImage = { id: draft.id, name: draft.name, partitions: draft.partitions };
      putTopic(byId, byName, topic);
      changes.set(draft.id, {
        topicId: draft.id,
        name: draft.name,
        before: draft.before,
        after: topic,
        partitions: draft.changed,
      });
    }
    return { image: new TopicsImage(byId.finish(), byName.finish()), changes };
  }

  #isInBase(id: string): boolean {
    return this.#base.byId.has(id) && !this.#removed.has(id);
  }

  #idOf(name: string): string | undefined {
    for (const draft of this.#drafts.values()) if (draft.name === name) return draft.id;
    const topic = this.#base.byName.get(name);
    return topic === undefined || this.#removed.has(topic.id) ? undefined : topic.id;
  }

  #draft(id: string): TopicDraft {
    const started = this.#drafts.get(id);
    if (started !== undefined) return started;
    const before = this.#removed.has(id) ? undefined : this.#base.byId.get(id);
    if (before === undefined) throw new MetadataError(`a record names topic id ${id}, which does not exist`);
    const draft = { id, name: before.name, before, partitions: before.partitions.slice(), changed: new Set<number>() };
    this.#drafts.set(id, draft);
    return draft;
  }

  #put(draft: TopicDraft, partition: PartitionImage): void {
    draft.partitions[partition.partition] = partition;
    draft.changed.add(partition.partition);
  }

  #clearElr(id: string): void {
    const partitions = this.#drafts.get(id)?.partitions ?? this.#base.byId.get(id)?.partitions ?? [];
    if (this.#removed.has(id)) return;
    for (const partition of partitions) {
      if (partition.eligibleLeaderReplicas.length === 0 && partition.lastKnownElr.length === 0) continue;
      this.#put(this.#draft(id), { ...partition, eligibleLeaderReplicas: [], lastKnownElr: [] });
    }
  }
}

/** A PartitionRecord's contents, with defaults for what its version lacks. */
export function partitionFromRecord(record: PartitionRecord): PartitionImage {
  return {
    partition: record.partitionId,
    replicas: record.replicas,
    directories:
      record.directories.length === 0 ? record.replicas.map(() => MIGRATING_DIRECTORY) : checkDirectories(record),
    isr: record.isr,
    removingReplicas: record.removingReplicas,
    addingReplicas: record.addingReplicas,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? [],
    lastKnownElr: record.lastKnownElr ?? [],
    leader: record.leader,
    leaderRecoveryState: record.leaderRecoveryState,
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
  };
}

/** `before` after a change. Each change counts the partition epoch up, each that names a leader the leader epoch too (KIP-500). */
export function changedPartition(before: PartitionImage, record: PartitionChangeRecord): PartitionImage {
  const keepsLeader = record.leader === NO_LEADER_CHANGE;
  const replicas = record.replicas ?? before.replicas;
  return {
    partition: before.partition,
    replicas,
    directories: record.directories ?? directoriesAfter(before, replicas),
    isr: record.isr ?? before.isr,
    removingReplicas: record.removingReplicas ?? before.removingReplicas,
    addingReplicas: record.addingReplicas ?? before.addingReplicas,
    eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: record.lastKnownElr ?? before.lastKnownElr,
    leader: keepsLeader ? before.leader : record.leader,
    leaderRecoveryState:
      record.leaderRecoveryState === NO_RECOVERY_STATE_CHANGE ? before.leaderRecoveryState : record.leaderRecoveryState,
    leaderEpoch: keepsLeader ? before.leaderEpoch : before.leaderEpoch + 1,
    partitionEpoch: before.partitionEpoch + 1,
  };
}

/** Directories keep to their replica when an old record moves replicas without naming directories. */
function directoriesAfter(before: PartitionImage, replicas: readonly number[]): readonly string[] {
  if (replicas === before.replicas) return before.directories;
  return replicas.map(replica => {
    const position = before.replicas.indexOf(replica);
    return position < 0 ? MIGRATING_DIRECTORY : (before.directories[position] ?? MIGRATING_DIRECTORY);
  });
}

function checkDirectories(record: PartitionRecord): readonly string[] {
  if (record.directories.length !== record.replicas.length) {
    throw new MetadataError(
      `partition ${record.topicId}-${record.partitionId} has ${record.replicas.length} replicas, ${record.directories.length} directories`,
    );
  }
  return record.directories;
}

function putTopic(byId: MapEditor<TopicImage>, byName: MapEditor<TopicImage>, topic: TopicImage): void {
  byId.set(topic.id, topic);
  byName.set(topic.name, topic);
}
