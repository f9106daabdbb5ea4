/**
 * A topic's configuration: what was set on the topic, else what the broker's keys say (hours and minutes turned into milliseconds), else the
 * default.
 *
 * @example
 * TopicConfig.resolve(new Map([["retention.ms", "60000"]]), broker).get("retention.ms"); // 60000
 * TopicConfig.resolve(new Map(), broker).get("segment.ms"); // log.roll.ms, else log.roll.hours × 3,600,000
 */
import type { BrokerConfig, ConfigLayer } from "./broker-config.ts";
import type { BrokerConfigName } from "./broker-configs.ts";
import { exceeds } from "./checks.ts";
import {
  type AnyConfigValue,
  type ConfigDefinition,
  type ConfigTable,
  effectiveDefault,
  type ValueOfDefinition,
} from "./definition.ts";
import { emulatedTopicConfigs } from "./emulation.ts";
import { samsaTopicConfigs } from "./samsa-configs.ts";
import { kafkaTopicConfigs } from "./topic-configs.ts";
import { parseValue } from "./values.ts";

/** Every topic key, also those accepted only under `samsa.emulate.version=2.4`. */
export const topicConfigs = {
  ...kafkaTopicConfigs,
  ...samsaTopicConfigs,
  ...emulatedTopicConfigs,
} as const satisfies ConfigTable;

export type TopicConfigName = keyof typeof topicConfigs;
export type TopicConfigValue<N extends TopicConfigName> = ValueOfDefinition<(typeof topicConfigs)[N]>;

export class TopicConfig {
  readonly #overrides: ConfigLayer;
  readonly #broker: BrokerConfig;
  readonly #values = new Map<TopicConfigName, AnyConfigValue>();

  private constructor(overrides: ConfigLayer, broker: BrokerConfig) {
    this.#overrides = overrides;
    this.#broker = broker;
    for (const name of Object.keys(topicConfigs) as TopicConfigName[]) this.#values.set(name, this.#resolve(name));
  }

  /**
   * The configuration as it is now. It does not follow later changes: resolve again when the topic's overrides or the broker's dynamic
   * settings change. An override that does not parse counts as not set.
   */
  static resolve(overrides: ConfigLayer, broker: BrokerConfig): TopicConfig {
    return new TopicConfig(overrides, broker);
  }

  get<N extends TopicConfigName>(name: N): TopicConfigValue<N> {
    return this.#values.get(name) as TopicConfigValue<N>;
  }

  /** Whether the topic sets the key itself. */
  isOverridden(name: TopicConfigName): boolean {
    const text = this.#overrides.get(name);
    return text !== undefined && parseValue(topicConfigs[name], text).ok;
  }

  /** What was set on the topic, as text. */
  get overrides(): ConfigLayer {
    return this.#overrides;
  }

  /** Bytes after which a segment is closed: `internal.segment.bytes` where a test set it, else `segment.bytes`. */
  get segmentSizeBytes(): number {
    return this.get("internal.segment.bytes") ?? this.get("segment.bytes");
  }

  /**
   * In-sync replicas that acks=all needs: what the topic or the broker sets; else 1 up to two replicas, and a majority from three on
   * (3 → 2, 5 → 3), where Kafka would say 1.
   */
  minInsyncReplicas(replicationFactor: number): number {
    const isExplicit = this.isOverridden("min.insync.replicas") || this.#broker.isSet("min.insync.replicas");
    if (isExplicit) return this.get("min.insync.replicas");
    return replicationFactor <= 2 ? 1 : Math.floor(replicationFactor / 2) + 1;
  }

  #resolve(name: TopicConfigName): AnyConfigValue {
    const definition: ConfigDefinition = topicConfigs[name];
    const text = this.#overrides.get(name);
    const outcome = text === undefined ? undefined : parseValue(definition, text);
    return outcome?.ok ? outcome.value : inheritedValue(definition, this.#broker);
  }
}

/** The value a topic or group key has when nobody set it on the topic or group. */
export function inheritedValue(definition: ConfigDefinition, broker: BrokerConfig): AnyConfigValue {
  for (const { name, valueOf1 } of definition.brokerSynonyms ?? []) {
    const value: AnyConfigValue = broker.get(name as BrokerConfigName);
    if (value === null) continue;
    return typeof value === "number" && value >= 0 && valueOf1 !== 1 ? value * valueOf1 : value;
  }
  return effectiveDefault(definition);
}

/** The row of a topic key, or undefined when this broker does not take it. */
export function topicConfigDefinition(name: string, emulatedVersion = "4.3"): ConfigDefinition | undefined {
  if (!Object.hasOwn(topicConfigs, name)) return undefined;
  if (Object.hasOwn(emulatedTopicConfigs, name) && emulatedVersion !== "2.4") return undefined;
  return topicConfigs[name as TopicConfigName];
}

/** Why `value` cannot be set for the topic key `name`, or null when it can. */
export function validateTopicConfig(name: string, value: string | null, emulatedVersion = "4.3"): string | null {
  const definition = topicConfigDefinition(name, emulatedVersion);
  if (!definition) return `Unknown topic config name: ${name}`;
  if (value === null) return `Null value not supported for topic configs: ${name}`;
  const outcome = parseValue(definition, value);
  return outcome.ok ? null : `Invalid value ${value} for configuration ${name}: expected ${outcome.expected}`;
}

/** Checks all overrides of a topic one by one and together; the first complaint, or null. */
export function validateTopicConfigs(overrides: ConfigLayer, broker: BrokerConfig): string | null {
  for (const [name, value] of overrides) {
    const complaint = validateTopicConfig(name, value, broker.get("samsa.emulate.version"));
    if (complaint) return complaint;
  }
  const topic = TopicConfig.resolve(overrides, broker);
  const [minimumLag, maximumLag] = [topic.get("min.compaction.lag.ms"), topic.get("max.compaction.lag.ms")];
  if (minimumLag > maximumLag) {
    return `min.compaction.lag.ms (${minimumLag}) must not be larger than max.compaction.lag.ms (${maximumLag})`;
  }
  return topic.get("remote.storage.enable") ? validateRemoteStorage(topic, broker) : null;
}

function validateRemoteStorage(topic: TopicConfig, broker: BrokerConfig): string | null {
  if (!broker.get("remote.log.storage.system.enable")) {
    return "remote.storage.enable: this cluster has no remote storage (remote.log.storage.system.enable is false)";
  }
  if (topic.get("cleanup.policy").includes("compact")) return "remote.storage.enable: a compacted topic cannot have it";
  if (exceeds(topic.get("local.retention.ms"), topic.get("retention.ms"))) {
    return "local.retention.ms must not be larger than retention.ms";
  }
  if (exceeds(topic.get("local.retention.bytes"), topic.get("retention.bytes"))) {
    return "local.retention.bytes must not be larger than retention.bytes";
  }
  return null;
}
