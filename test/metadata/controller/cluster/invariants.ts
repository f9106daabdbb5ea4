/** What no decision of the controller may break, whatever happened before. */
import { isOnline } from "../../../../src/metadata/controller/partition-rules.ts";
import type { MetadataImage } from "../../../../src/metadata/image.ts";
import type { MetadataRecord } from "../../../../src/metadata/records.ts";
import { NO_LEADER, type PartitionImage, RECOVERING, type TopicImage } from "../../../../src/metadata/topics-image.ts";

/** What a history knows beside the metadata. */
export interface World {
  /** Whether the replica holds everything that was ever acknowledged. */
  holdsAll(topicId: string, partition: number, brokerId: number): boolean;
  /** Whether an election outside of those that hold everything is allowed right now. */
  mayElectUncleanly(topic: TopicImage): boolean;
  /** Whether the broker is just being found to have lost records. */
  isEvicted(brokerId: number): boolean;
  /** In-sync replicas that the partition needs. */
  minIsr(topic: TopicImage, partition: PartitionImage): number;
}

export class Invariants {
  readonly #world: World;
  /** Who led in which leader epoch. */
  readonly #leaders = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  check(before: MetadataImage, after: MetadataImage, records: readonly MetadataRecord[]): void {
    const changed = new Set<string>();
    for (const { type, value } of records) {
      if (type !== "PartitionRecord" && type !== "PartitionChangeRecord") continue;
      const key = `${value.topicId}:${value.partitionId}`;
      demand(!changed.has(key), key, "is changed twice by one decision");
      changed.add(key);
      const topic = after.topics.byId.get(value.topicId) as TopicImage;
      const now = topic.partitions[value.partitionId] as PartitionImage;
      const old = before.topics.partition(value.topicId, value.partitionId);
      this.#checkState(key, topic, now);
      this.#checkMembers(key, old, now, after);
      this.#checkLeader(key, topic, old, now);
      if (old !== undefined) this.#checkChange(key, old, now);
    }
  }

  #checkState(key: string, topic: TopicImage, partition: PartitionImage): void {
    const { replicas, isr, leader, eligibleLeaderReplicas: elr, addingReplicas, removingReplicas } = partition;
    for (const [name, list] of Object.entries({ replicas, isr, elr, addingReplicas, removingReplicas })) {
      demand(new Set(list).size === list.length, key, `has somebody twice among its ${name}`);
      demand(
        list.every(id => replicas.includes(id)),
        key,
        `has somebody without a replica among its ${name}`,
      );
    }
    demand(replicas.length > 0, key, "has no replicas");
    demand(partition.directories.length === replicas.length, key, "has replicas without a directory");
    demand(leader === NO_LEADER || isr.includes(leader), key, "has a leader who is not in sync");
    demand(!elr.some(id => isr.includes(id)), key, "has somebody both in sync and eligible");
    demand(!elr.length || isr.length < this.#world.minIsr(topic, partition), key, "has an ELR beside a full ISR");
    demand(!addingReplicas.some(id => removingReplicas.includes(id)), key, "adds what it removes");
  }

  /** Nobody becomes leader or in sync who is fenced, shutting down, gone, or whose directory is offline. */
  #checkMembers(key: string, old: PartitionImage | undefined, now: PartitionImage, image: MetadataImage): void {
    const gained = now.isr.filter(id => !old?.isr.includes(id));
    const isNewLeader = now.leader !== old?.leader || now.leaderEpoch !== old.leaderEpoch;
    for (const id of gained) {
      const broker = image.cluster.brokers.get(id);
      demand(
        broker !== undefined && !broker.fenced && !broker.inControlledShutdown,
        key,
        `takes ${id}, not active, in`,
      );
    }
    if (!isNewLeader || now.leader === NO_LEADER) return;
    const broker = image.cluster.brokers.get(now.leader);
    const isActive = broker !== undefined && !broker.fenced && !broker.inControlledShutdown;
    demand(isActive, key, `is led by ${now.leader}, who is not active`);
    const directory = now.directories[now.replicas.indexOf(now.leader)];
    demand(broker !== undefined && isOnline(directory, broker.logDirs), key, "is led from a directory that is offline");
  }

  #checkLeader(key: string, topic: TopicImage, old: PartitionImage | undefined, now: PartitionImage): void {
    if (now.leader !== NO_LEADER) {
      const epochKey = `${key}@${now.leaderEpoch}`;
      const known = this.#leaders.get(epochKey);
      demand(known === undefined || known === now.leader, key, `has two leaders in epoch ${now.leaderEpoch}`);
      this.#leaders.set(epochKey, now.leader);
    }
    if (old === undefined || now.leader === NO_LEADER || now.leader === old.leader) return;
    const holdsAll = this.#world.holdsAll(topic.id, now.partition, now.leader);
    if (holdsAll || now.replicas.length === 1) return;
    const isUnclean = now.leaderRecoveryState === RECOVERING && this.#world.mayElectUncleanly(topic);
    demand(isUnclean, key, `elects ${now.leader}, who lacks what was acknowledged`);
  }

  #checkChange(key: string, old: PartitionImage, now: PartitionImage): void {
    demand(now.partitionEpoch > old.partitionEpoch, key, "changes under its old epoch");
    demand(now.leaderEpoch >= old.leaderEpoch, key, "goes back to an old leader epoch");
    demand(now.leader === old.leader || now.leaderEpoch > old.leaderEpoch, key, "changes its leader within an epoch");
    const isSmaller = !old.replicas.every(id => now.replicas.includes(id));
    demand(!isSmaller || now.leaderEpoch > old.leaderEpoch, key, "loses replicas within an epoch");
    if (old.isr.length === 0 || now.isr.length > 0) return;
    const left = old.isr.filter(id => now.replicas.includes(id) && !this.#world.isEvicted(id));
    demand(
      left.every(id => now.eligibleLeaderReplicas.includes(id)),
      key,
      "forgets who was in sync last",
    );
  }
}

/** Once nothing is left to do: who may lead does, and nobody is in sync who may not. */
export function checkSettled(image: MetadataImage): void {
  const isActive = (id: number) => {
    const broker = image.cluster.brokers.get(id);
    return broker !== undefined && !broker.fenced && !broker.inControlledShutdown;
  };
  for (const topic of image.topics.byId.values()) {
    for (const partition of topic.partitions) {
      const key = `${topic.id}:${partition.partition}`;
      const { isr, eligibleLeaderReplicas, leader, replicas, directories } = partition;
      demand(isr.every(isActive), key, `keeps somebody in its ISR [${isr}] who is not active`);
      const candidates = isr.length > 0 ? isr : eligibleLeaderReplicas;
      const logDirsOf = (id: number) => image.cluster.brokers.get(id)?.logDirs ?? [];
      const mayLead = candidates.some(id => isActive(id) && isOnline(directories[replicas.indexOf(id)], logDirsOf(id)));
      demand(!mayLead || leader !== NO_LEADER, key, `has no leader, though one of [${candidates}] could be`);
    }
  }
}

function demand(condition: boolean, key: string, what: string): void {
  if (!condition) throw new Error(`partition ${key} ${what}`);
}
