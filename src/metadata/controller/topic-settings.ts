/**
 * The few settings of topics that the controller decides by, as the image has them: set on the topic, else for all brokers, else in this
 * node's configuration. Made for one decision; what was looked up once is kept.
 */
import { type BrokerConfig, ConfigResourceType } from "../../config/index.ts";
import { topicConfigDefinition } from "../../config/topic-config.ts";
import { parseValue } from "../../config/values.ts";
import { ALL_BROKERS } from "../configs-image.ts";
import type { MetadataImage } from "../image.ts";
import { MIN_INSYNC_REPLICAS } from "./elr-safety.ts";

export const UNCLEAN_LEADER_ELECTION = "unclean.leader.election.enable";
const WRITE_CACHING = "write.caching";
const WRITE_CACHING_DEFAULT = "samsa.log.write.caching";

export class TopicSettings {
  readonly #image: MetadataImage;
  readonly #config: BrokerConfig;
  readonly #cluster: ReadonlyMap<string, string>;
  readonly #minimums = new Map<string, number | null>();
  readonly #unclean = new Map<string, boolean>();

  constructor(image: MetadataImage, config: BrokerConfig) {
    this.#image = image;
    this.#config = config;
    this.#cluster = image.configs.of(ConfigResourceType.BROKER, ALL_BROKERS);
  }

  /** In-sync replicas that acks=all needs where there are so many replicas: what is set, else the rule of `TopicConfig.minInsyncReplicas`. */
  minIsr(topic: string, replicationFactor: number): number {
    let minimum = this.#minimums.get(topic);
    if (minimum === undefined) {
      minimum = this.#explicitMinimum(topic);
      this.#minimums.set(topic, minimum);
    }
    if (minimum !== null) return minimum;
    return replicationFactor <= 2 ? 1 : Math.floor(replicationFactor / 2) + 1;
  }

  /** Whether a replica that lacks committed records may lead when no other is left. */
  allowsUncleanElection(topic: string): boolean {
    let isAllowed = this.#unclean.get(topic);
    if (isAllowed === undefined) {
      const value = this.#valueOf(topic, UNCLEAN_LEADER_ELECTION, UNCLEAN_LEADER_ELECTION);
      isAllowed = typeof value === "boolean" ? value : this.#config.get("unclean.leader.election.enable");
      this.#unclean.set(topic, isAllowed);
    }
    return isAllowed;
  }

  /** Whether acknowledged records may be in memory only, so that an unclean stop may have lost them. */
  isWriteCached(topic: string): boolean {
    return this.#valueOf(topic, WRITE_CACHING, WRITE_CACHING_DEFAULT) === true;
  }

  #explicitMinimum(topic: string): number | null {
    const value = this.#valueOf(topic, MIN_INSYNC_REPLICAS, MIN_INSYNC_REPLICAS);
    if (typeof value === "number") return value;
    return this.#config.isSet(MIN_INSYNC_REPLICAS) ? this.#config.get(MIN_INSYNC_REPLICAS) : null;
  }

  /** What the image has set; undefined where nothing is, or nothing that parses. */
  #valueOf(topic: string, topicKey: string, brokerKey: string): unknown {
    const own = this.#image.configs.of(ConfigResourceType.TOPIC, topic).get(topicKey);
    const text = own ?? this.#cluster.get(brokerKey);
    const definition = topicConfigDefinition(topicKey);
    if (text === undefined || definition === undefined) return undefined;
    const outcome = parseValue(definition, text);
    return outcome.ok ? outcome.value : undefined;
  }
}
