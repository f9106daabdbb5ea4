/**
 * Applies metadata records to an image. Every type of record that Kafka 4.3 knows is understood.
 *
 * ```ts
 * const editor = new ImageEditor(image);
 * for (const record of batch) editor.apply(record);
 * const { image: next, delta } = editor.finish(lastOffset, epoch);
 * ```
 *
 * Metadata transactions (KIP-868) are not the editor's business: whoever drives it keeps the image of before, see `transactions.ts`.
 */
import { ConfigResourceType } from "../config/index.ts";
import { ClusterEditor } from "./cluster-image.ts";
import type { ConfigsEditor } from "./configs-image.ts";
import { CopyOnWriteMap } from "./copy-on-write-map.ts";
import type { MetadataDelta } from "./delta.ts";
import type { MetadataImage } from "./image.ts";
import { MetadataError } from "./metadata-error.ts";
import type { MetadataRecord } from "./records.ts";
import { SecurityEditor } from "./security-image.ts";
import type { TopicsEditor } from "./topics-image.ts";

export interface ImageAndDelta {
  readonly image: MetadataImage;
  readonly delta: MetadataDelta;
}

/** Gathers records into the next image. Used once: {@link finish} ends it. */
export class ImageEditor {
  readonly #base: MetadataImage;
  readonly #topics: TopicsEditor;
  readonly #cluster: ClusterEditor;
  readonly #configs: ConfigsEditor;
  readonly #features: CopyOnWriteMap<string, number>;
  readonly #security: SecurityEditor;
  #nextProducerId: number;

  constructor(base: MetadataImage) {
    this.#base = base;
    this.#topics = base.topics.edit();
    this.#cluster = new ClusterEditor(base.cluster);
    this.#configs = base.configs.edit();
    this.#features = new CopyOnWriteMap(base.features);
    this.#security = new SecurityEditor(base.security);
    this.#nextProducerId = base.nextProducerId;
  }

  /** Applies one record. Throws {@link MetadataError} when it contradicts the image; the editor is of no more use then. */
  apply({ type, value }: MetadataRecord): void {
    switch (type) {
      case "TopicRecord":
        this.#topics.addTopic(value.topicId, value.name);
        break;
      case "PartitionRecord":
        this.#topics.setPartition(value);
        break;
      case "PartitionChangeRecord":
        this.#topics.changePartition(value);
        break;
      case "RemoveTopicRecord":
        this.#configs.removeAll(ConfigResourceType.TOPIC, this.#topics.removeTopic(value.topicId));
        break;
      case "ClearElrRecord":
        this.#topics.clearElr(value.topicName);
        break;
      case "ConfigRecord":
        this.#configs.apply(value);
        break;
      case "FeatureLevelRecord":
        this.#setFeature(value.name, value.featureLevel);
        break;
      case "RegisterBrokerRecord":
        this.#cluster.registerBroker(value);
        break;
      case "UnregisterBrokerRecord":
        this.#cluster.unregisterBroker(value.brokerId, value.brokerEpoch);
        break;
      case "FenceBrokerRecord":
        this.#cluster.setFenced(value.id, value.epoch, true);
        break;
      case "UnfenceBrokerRecord":
        this.#cluster.setFenced(value.id, value.epoch, false);
        break;
      case "BrokerRegistrationChangeRecord":
        this.#cluster.changeBroker(value);
        break;
      case "RegisterControllerRecord":
        this.#cluster.registerController(value);
        break;
      case "ProducerIdsRecord":
        this.#nextProducerId = value.nextProducerId;
        break;
      case "ClientQuotaRecord":
        this.#security.changeClientQuota(value);
        break;
      case "AccessControlEntryRecord":
        this.#security.addAcl(value);
        break;
      case "RemoveAccessControlEntryRecord":
        this.#security.removeAcl(value.id);
        break;
      case "UserScramCredentialRecord":
        this.#security.setScramCredential(value);
        break;
      case "RemoveUserScramCredentialRecord":
        this.#security.removeScramCredential(value);
        break;
      case "DelegationTokenRecord":
        this.#security.setDelegationToken(value);
        break;
      case "RemoveDelegationTokenRecord":
        this.#security.removeDelegationToken(value.tokenId);
        break;
      case "NoOpRecord":
      // Written by 3.x clusters on their way off ZooKeeper, without meaning since 4.0.
      case "ZkMigrationStateRecord":
      // The bounds of a transaction change nothing by themselves.
      case "BeginTransactionRecord":
      case "EndTransactionRecord":
      case "AbortTransactionRecord":
        break;
      default:
        throw new MetadataError(`there is no metadata record of type ${type satisfies never}`);
    }
  }

  /**
   * @param offset of the last record applied
   * @param epoch leader epoch of that record
   */
  finish(offset: number, epoch: number): ImageAndDelta {
    const topics = this.#topics.finish();
    const cluster = this.#cluster.finish();
    const configs = this.#configs.finish();
    const security = this.#security.finish();
    const image: MetadataImage = {
      offset,
      epoch,
      topics: topics.image,
      cluster: cluster.image,
      configs: configs.image,
      features: this.#features.finish(),
      nextProducerId: this.#nextProducerId,
      security: security.image,
    };
    const delta: MetadataDelta = {
      before: this.#base,
      topics: topics.changes,
      configs: configs.changes,
      brokers: cluster.brokers,
      controllers: cluster.controllers,
      features: this.#features.changedKeys.size > 0,
      producerIds: this.#nextProducerId !== this.#base.nextProducerId,
      security: security.changes,
    };
    return { image, delta };
  }

  #setFeature(name: string, level: number): void {
    if (level === 0) this.#features.delete(name);
    else this.#features.set(name, level);
  }
}
