/**
 * What changed between two images, for those who follow the metadata and act on changes only.
 */
import type { ConfigResource } from "./configs-image.ts";
import type { MetadataImage } from "./image.ts";
import type { SecurityChanges } from "./security-image.ts";
import type { PartitionImage, TopicChange, TopicImage } from "./topics-image.ts";

export interface MetadataDelta {
  readonly before: MetadataImage;
  /** By topic id. A name that was deleted and created again is in here twice, under two ids. */
  readonly topics: ReadonlyMap<string, TopicChange>;
  /** Resources whose dynamic configuration changed, by `resourceKey`. */
  readonly configs: ReadonlyMap<string, ConfigResource>;
  /** Ids of brokers that were registered, changed or removed. */
  readonly brokers: ReadonlySet<number>;
  readonly controllers: ReadonlySet<number>;
  readonly features: boolean;
  readonly producerIds: boolean;
  readonly security: SecurityChanges;
}

/** Compares two images of which neither came from the other by records: after a snapshot was loaded. */
export function diffImages(before: MetadataImage, after: MetadataImage): MetadataDelta {
  return {
    before,
    topics: diffTopics(before, after),
    configs: diffConfigs(before, after),
    brokers: diffMaps(before.cluster.brokers, after.cluster.brokers),
    controllers: diffMaps(before.cluster.controllers, after.cluster.controllers),
    features: diffMaps(before.features, after.features).size > 0,
    producerIds: before.nextProducerId !== after.nextProducerId,
    security: {
      acls: !isSame([...before.security.acls], [...after.security.acls]),
      scramCredentials: diffMaps(before.security.scramCredentials, after.security.scramCredentials).size > 0,
      delegationTokens: diffMaps(before.security.delegationTokens, after.security.delegationTokens).size > 0,
      clientQuotas: diffMaps(before.security.clientQuotas, after.security.clientQuotas).size > 0,
    },
  };
}

function diffTopics(before: MetadataImage, after: MetadataImage): Map<string, TopicChange> {
  const changes = new Map<string, TopicChange>();
  for (const topic of before.topics.byId.values()) {
    if (after.topics.byId.has(topic.id)) continue;
    changes.set(topic.id, { topicId: topic.id, name: topic.name, before: topic, after: null, partitions: new Set() });
  }
  for (const topic of after.topics.byId.values()) {
    const old = before.topics.byId.get(topic.id) ?? null;
    const partitions = diffPartitions(old, topic);
    if (old !== null && partitions.size === 0) continue;
    changes.set(topic.id, { topicId: topic.id, name: topic.name, before: old, after: topic, partitions });
  }
  return changes;
}

function diffPartitions(before: TopicImage | null, after: TopicImage): Set<number> {
  const changed = new Set<number>();
  for (const partition of after.partitions) {
    const old: PartitionImage | undefined = before?.partitions[partition.partition];
    if (!isSame(old, partition)) changed.add(partition.partition);
  }
  return changed;
}

function diffConfigs(before: MetadataImage, after: MetadataImage): Map<string, ConfigResource> {
  const changes = new Map<string, ConfigResource>();
  for (const [key, resource] of before.configs.resources) {
    if (!after.configs.resources.has(key)) changes.set(key, { type: resource.type, name: resource.name });
  }
  for (const [key, resource] of after.configs.resources) {
    const old = before.configs.resources.get(key);
    if (old !== undefined && diffMaps(old.values, resource.values).size === 0) continue;
    changes.set(key, { type: resource.type, name: resource.name });
  }
  return changes;
}

function diffMaps<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): Set<K> {
  const changed = new Set<K>();
  for (const key of before.keys()) if (!after.has(key)) changed.add(key);
  for (const [key, value] of after) if (!before.has(key) || !isSame(before.get(key), value)) changed.add(key);
  return changed;
}

/** Deep equality of what images are made of: plain objects, arrays, maps, buffers and primitives. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Buffer.isBuffer(a)) return Buffer.isBuffer(b) && a.equals(b);
  if (a instanceof Map) return b instanceof Map && diffMaps(a, b).size === 0;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every(key => isSame(left[key], right[key]));
}
