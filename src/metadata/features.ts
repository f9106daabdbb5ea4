/**
 * The features that a cluster finalizes a level of (KIP-584), as Apache Kafka 4.3 knows them, and what the level of `metadata.version` says
 * about the records that may be written.
 */
import type { SupportedFeature } from "./cluster-image.ts";
import { FEATURES, KRAFT_VERSION_FEATURE } from "./storage/feature-levels.ts";

export const METADATA_VERSION = "metadata.version";
export const KRAFT_VERSION = KRAFT_VERSION_FEATURE.name;
export const ELIGIBLE_LEADER_REPLICAS_VERSION = "eligible.leader.replicas.version";

/** Levels of `metadata.version` that changed what may be written. */
export const MetadataVersion = {
  /** 3.4-IV0: RegisterBrokerRecord v2. */
  ZK_MIGRATION: 8,
  /** 3.7-IV2: directories of replicas (KIP-858). */
  DIRECTORY_ASSIGNMENT: 17,
  /** 4.0-IV1: eligible leader replicas (KIP-966). */
  ELIGIBLE_LEADER_REPLICAS: 23,
  /** 4.3-IV0: cordoned log directories (KIP-1066). */
  CORDONED_DIRECTORIES: 30,
} as const;

/** What this software supports of each feature, and tells in broker and controller registrations. Sorted by name. */
export const supportedFeatures: readonly SupportedFeature[] = [...FEATURES, KRAFT_VERSION_FEATURE]
  .map(({ name, minSupportedLevel, maxSupportedLevel }) => ({
    name,
    minSupportedVersion: minSupportedLevel,
    maxSupportedVersion: maxSupportedLevel,
  }))
  .sort((a, b) => (a.name < b.name ? -1 : 1));

/** The cluster's finalized level of `metadata.version`; 0 while it is not known. */
export function metadataVersionOf(image: { readonly features: ReadonlyMap<string, number> }): number {
  return image.features.get(METADATA_VERSION) ?? 0;
}

/** Version of PartitionRecord and PartitionChangeRecord that a metadata version allows. */
export function partitionRecordVersion(metadataVersion: number): number {
  if (metadataVersion >= MetadataVersion.ELIGIBLE_LEADER_REPLICAS) return 2;
  return metadataVersion >= MetadataVersion.DIRECTORY_ASSIGNMENT ? 1 : 0;
}

/** Version of RegisterBrokerRecord that a metadata version allows. */
export function registerBrokerRecordVersion(metadataVersion: number): number {
  if (metadataVersion >= MetadataVersion.CORDONED_DIRECTORIES) return 4;
  if (metadataVersion >= MetadataVersion.DIRECTORY_ASSIGNMENT) return 3;
  return metadataVersion >= MetadataVersion.ZK_MIGRATION ? 2 : 1;
}
