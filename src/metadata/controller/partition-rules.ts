/**
 * The rules that changes of partitions follow, as the image and a topic's settings have them at the time of a decision.
 */
import type { BrokerConfig } from "../../config/index.ts";
import type { BrokerRegistration } from "../cluster-image.ts";
import { ELIGIBLE_LEADER_REPLICAS_VERSION, MetadataVersion, metadataVersionOf } from "../features.ts";
import type { MetadataImage } from "../image.ts";
import type { MetadataRecord } from "../records.ts";
import { LOST_DIRECTORY, MIGRATING_DIRECTORY, type TopicImage, UNASSIGNED_DIRECTORY } from "../topics-image.ts";
import { defaultDirectory, isActive } from "./assignments.ts";
import { changeOf, type PartitionRules, type PartitionTarget, partitionChangeRecord } from "./partition-change.ts";
import { TopicSettings } from "./topic-settings.ts";

/** The image as it will be once `brokerId`'s registration is `registration`; without it when null. For decisions that change both. */
export function withRegistration(
  image: MetadataImage,
  brokerId: number,
  registration: BrokerRegistration | null,
): MetadataImage {
  const brokers = new Map(image.cluster.brokers);
  if (registration === null) brokers.delete(brokerId);
  else brokers.set(brokerId, registration);
  return { ...image, cluster: { ...image.cluster, brokers } };
}

/** Changes partitions within one decision. */
export class PartitionChanger {
  readonly image: MetadataImage;
  readonly settings: TopicSettings;
  readonly #hasElr: boolean;

  constructor(image: MetadataImage, config: BrokerConfig) {
    this.image = image;
    this.settings = new TopicSettings(image, config);
    this.#hasElr = hasEligibleLeaderReplicas(image);
  }

  /** The record that makes the partition what is asked for; null when it is already. An election is unclean where the topic allows that. */
  change(topic: TopicImage, partition: number, target: PartitionTarget): MetadataRecord | null {
    const image = topic.partitions[partition];
    if (image === undefined) return null;
    const election = target.election ?? (this.settings.allowsUncleanElection(topic.name) ? "unclean" : "online");
    const change = changeOf(image, { ...target, election }, this.#rulesOf(topic.name));
    return change === null ? null : partitionChangeRecord(topic.id, partition, change, this.image);
  }

  #rulesOf(topic: string): PartitionRules {
    return {
      hasElr: this.#hasElr,
      minIsr: replicationFactor => this.settings.minIsr(topic, replicationFactor),
      mayLead: (brokerId, directory) => mayServe(this.image, brokerId, directory),
      directoryOf: brokerId => defaultDirectory(this.image.cluster.brokers.get(brokerId)),
    };
  }
}

/** Whether a replica may lead and be in sync: its broker is active, its directory online. */
export function mayServe(image: MetadataImage, brokerId: number, directory: string | undefined): boolean {
  const registration = image.cluster.brokers.get(brokerId);
  return registration !== undefined && isActive(image, brokerId) && isOnline(directory, registration.logDirs);
}

/** Whether a replica's directory is among those that its broker has: one that is yet to be told counts as such (KIP-858). */
export function isOnline(directory: string | undefined, logDirs: readonly string[]): boolean {
  if (directory === undefined || directory === UNASSIGNED_DIRECTORY || directory === MIGRATING_DIRECTORY) return true;
  if (directory === LOST_DIRECTORY) return false;
  // A registration from before directories were told.
  return logDirs.length === 0 || logDirs.includes(directory);
}

/** Whether eligible leader replicas are kept (KIP-966). */
export function hasEligibleLeaderReplicas(image: MetadataImage): boolean {
  const metadataVersion = metadataVersionOf(image);
  const level = image.features.get(ELIGIBLE_LEADER_REPLICAS_VERSION) ?? 0;
  return level >= 1 && metadataVersion >= MetadataVersion.ELIGIBLE_LEADER_REPLICAS;
}
