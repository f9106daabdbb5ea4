/**
 * Turns an image into the records of a snapshot (KIP-630): applying them to the empty image gives the same image again.
 *
 * The order is Kafka's own: features first, as they say how the rest is to be read, then brokers, controllers, topics, configs and the rest.
 * Within each part records are sorted, so that equal images make equal snapshots.
 */
import type { BrokerRegistration, ControllerRegistration } from "./cluster-image.ts";
import {
  METADATA_VERSION,
  metadataVersionOf,
  partitionRecordVersion,
  registerBrokerRecordVersion,
} from "./features.ts";
import type { MetadataImage } from "./image.ts";
import { type MetadataRecord, record } from "./records.ts";
import type { PartitionImage, TopicImage } from "./topics-image.ts";

/** The image's records, in order. */
export function* snapshotRecords(image: MetadataImage): Generator<MetadataRecord> {
  yield* featureRecords(image);
  const metadataVersion = metadataVersionOf(image);
  const brokerVersion = registerBrokerRecordVersion(metadataVersion);
  for (const registration of byNumber(image.cluster.brokers)) yield brokerRecord(registration, brokerVersion);
  for (const registration of byNumber(image.cluster.controllers)) yield controllerRecord(registration);
  yield* topicRecords(image, partitionRecordVersion(metadataVersion));
  yield* configRecords(image);
  yield* quotaRecords(image);
  if (image.nextProducerId > 0) yield producerIdsRecord(image);
  yield* securityRecords(image);
}

function* featureRecords(image: MetadataImage): Generator<MetadataRecord> {
  const names = [...image.features.keys()].sort();
  const first = names.filter(name => name === METADATA_VERSION);
  for (const name of [...first, ...names.filter(name => name !== METADATA_VERSION)]) {
    yield record("FeatureLevelRecord", 0, { name, featureLevel: image.features.get(name) as number });
  }
}

function brokerRecord(registration: BrokerRegistration, version: number): MetadataRecord {
  return record("RegisterBrokerRecord", version, {
    brokerId: registration.id,
    isMigratingZkBroker: registration.isMigratingZkBroker,
    incarnationId: registration.incarnationId,
    brokerEpoch: registration.epoch,
    endPoints: [...registration.endpoints],
    features: [...registration.features],
    rack: registration.rack,
    fenced: registration.fenced,
    inControlledShutdown: registration.inControlledShutdown,
    logDirs: [...registration.logDirs],
    cordonedLogDirs: registration.cordonedLogDirs === null ? null : [...registration.cordonedLogDirs],
  });
}

function controllerRecord(registration: ControllerRegistration): MetadataRecord {
  return record("RegisterControllerRecord", 0, {
    controllerId: registration.id,
    incarnationId: registration.incarnationId,
    zkMigrationReady: registration.zkMigrationReady,
    endPoints: [...registration.endpoints],
    features: [...registration.features],
  });
}

function* topicRecords(image: MetadataImage, partitionVersion: number): Generator<MetadataRecord> {
  for (const item of sortedBy(image.topics.byId.values(), ({ name }) => name)) {
    yield record("TopicRecord", 0, { name: item.name, topicId: item.id });
    for (const partition of item.partitions) yield partitionRecord(item, partition, partitionVersion);
  }
}

/** A partition as it is, in the record version of the cluster's metadata version. */
export function partitionRecord(
  item: Pick<TopicImage, "id">,
  partition: PartitionImage,
  version: number,
): MetadataRecord {
  return record("PartitionRecord", version, {
    partitionId: partition.partition,
    topicId: item.id,
    replicas: [...partition.replicas],
    isr: [...partition.isr],
    removingReplicas: [...partition.removingReplicas],
    addingReplicas: [...partition.addingReplicas],
    leader: partition.leader,
    leaderRecoveryState: partition.leaderRecoveryState,
    leaderEpoch: partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch,
    directories: version >= 1 ? [...partition.directories] : [],
    // Empty lists are left out, as Kafka does.
    eligibleLeaderReplicas: filledOrNull(partition.eligibleLeaderReplicas, version),
    lastKnownElr: filledOrNull(partition.lastKnownElr, version),
  });
}

function filledOrNull(replicas: readonly number[], version: number): number[] | null {
  return version >= 2 && replicas.length > 0 ? [...replicas] : null;
}

function* configRecords(image: MetadataImage): Generator<MetadataRecord> {
  for (const resource of sortedBy(image.configs.resources.values(), ({ type, name }) => `${type}:${name}`)) {
    for (const [name, value] of [...resource.values].sort(([a], [b]) => (a < b ? -1 : 1))) {
      yield record("ConfigRecord", 0, { resourceType: resource.type, resourceName: resource.name, name, value });
    }
  }
}

function* quotaRecords(image: MetadataImage): Generator<MetadataRecord> {
  for (const [, quota] of sortedBy(image.security.clientQuotas, ([key]) => key)) {
    for (const [key, value] of [...quota.values].sort(([a], [b]) => (a < b ? -1 : 1))) {
      yield record("ClientQuotaRecord", 0, { entity: [...quota.entity], key, value, remove: false });
    }
  }
}

function producerIdsRecord(image: MetadataImage): MetadataRecord {
  return record("ProducerIdsRecord", 0, {
    brokerId: -1,
    brokerEpoch: -1,
    nextProducerId: image.nextProducerId,
  });
}

function* securityRecords({ security: image }: MetadataImage): Generator<MetadataRecord> {
  for (const acl of sortedBy(image.acls.values(), ({ id }) => id)) yield record("AccessControlEntryRecord", 0, acl);
  for (const [, credential] of sortedBy(image.scramCredentials, ([key]) => key)) {
    yield record("UserScramCredentialRecord", 0, credential);
  }
  for (const [, token] of sortedBy(image.delegationTokens, ([id]) => id)) {
    yield record("DelegationTokenRecord", 0, token);
  }
}

function byNumber<V>(map: ReadonlyMap<number, V>): V[] {
  return [...map].sort(([a], [b]) => a - b).map(([, value]) => value);
}

function sortedBy<T>(items: Iterable<T>, keyOf: (item: T) => string): T[] {
  return [...items]
    .map(item => [keyOf(item), item] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, item]) => item);
}
