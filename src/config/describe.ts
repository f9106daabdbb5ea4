/**
 * What DescribeConfigs answers about each kind of resource: values, the layer each comes from, and the chain of synonyms behind it, in the
 * shape and with the peculiarities of Kafka (KIP-226, KIP-569). Entries follow the requested names' order, else the table's.
 */
import { type BrokerConfig, type ConfigLayer, definitionOf } from "./broker-config.ts";
import { type BrokerConfigName, brokerConfigs, isBrokerConfigName } from "./broker-configs.ts";
import { clientMetricsConfigs } from "./client-metrics-configs.ts";
import { ConfigSource, configTypeCodes, UNKNOWN_CONFIG_TYPE } from "./config-source.ts";
import { type ConfigDefinition, type ConfigTable, updateModeOf } from "./definition.ts";
import { emulatedTopicConfigs } from "./emulation.ts";
import { groupConfigs } from "./group-configs.ts";
import { baseConfigName } from "./sources.ts";
import { inheritedValue, topicConfigs } from "./topic-config.ts";
import { canonicalText, formatValue, parseValue } from "./values.ts";

/** One entry of a DescribeConfigs response, named as the protocol names its fields. */
export interface ConfigEntry {
  readonly name: string;
  /** Null when unset, and always for secrets. */
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: ConfigSource;
  readonly isSensitive: boolean;
  readonly synonyms: readonly ConfigSynonym[];
  readonly configType: number;
  readonly documentation: string | null;
}

export interface ConfigSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSource;
}

export interface DescribeOptions {
  /** Which keys; null or left out means all. Unknown ones are passed over. */
  readonly names?: readonly string[] | null;
  readonly includeSynonyms?: boolean;
  readonly includeDocumentation?: boolean;
}

/** A broker: all keys, with its own, the cluster's, static and default values. */
export function describeBroker(config: BrokerConfig, options: DescribeOptions = {}): ConfigEntry[] {
  const set = [
    ConfigSource.DYNAMIC_BROKER_CONFIG,
    ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
    ConfigSource.STATIC_BROKER_CONFIG,
  ].flatMap(source => config.namesAt(source));
  const visible = Object.keys(brokerConfigs).filter(name => !isHidden(name, config));
  const names = new Set([...visible, ...set]);
  return select(names, options).map(name => {
    const synonyms = brokerSynonyms(config, name);
    return brokerEntry(name, currentText(config, name, synonyms), synonyms, options);
  });
}

/** The default of all brokers (resource name ""): only what was set at that level. */
export function describeClusterDefault(config: BrokerConfig, options: DescribeOptions = {}): ConfigEntry[] {
  const names = new Set(config.namesAt(ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG));
  return select(names, options).map(name => {
    const synonyms = brokerSynonyms(config, name).filter(
      synonym => synonym.source === ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
    );
    return brokerEntry(name, config.textAt(ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG, name), synonyms, options);
  });
}

/** A topic, given what was set on it. */
export function describeTopic(
  overrides: ConfigLayer,
  config: BrokerConfig,
  options: DescribeOptions = {},
): ConfigEntry[] {
  const emulatesOldKafka = config.get("samsa.emulate.version") === "2.4";
  const table: ConfigTable = topicConfigs;
  const names = Object.keys(table).filter(
    name =>
      overrides.has(name) ||
      (!table[name]!.internal && (emulatesOldKafka || !Object.hasOwn(emulatedTopicConfigs, name))),
  );
  return select(new Set([...names, ...overrides.keys()]), options).map(name => {
    const definition = table[name];
    const inherited = definition?.brokerSynonyms?.[0] ? brokerSynonyms(config, definition.brokerSynonyms[0].name) : [];
    return resourceEntry(name, definition, overrides, ConfigSource.DYNAMIC_TOPIC_CONFIG, inherited, config, options);
  });
}

/** A group, given what was set on it. */
export function describeGroup(
  overrides: ConfigLayer,
  config: BrokerConfig,
  options: DescribeOptions = {},
): ConfigEntry[] {
  return select(new Set([...Object.keys(groupConfigs), ...overrides.keys()]), options).map(name => {
    const definition = (groupConfigs as ConfigTable)[name];
    const synonym = definition?.brokerSynonyms?.[0];
    const inherited = synonym ? brokerSynonyms(config, synonym.name) : ownDefault(name, definition);
    return resourceEntry(name, definition, overrides, ConfigSource.DYNAMIC_GROUP_CONFIG, inherited, config, options);
  });
}

/** A client metrics subscription, given what was set on it. */
export function describeClientMetrics(
  overrides: ConfigLayer,
  config: BrokerConfig,
  options: DescribeOptions = {},
): ConfigEntry[] {
  return select(new Set([...Object.keys(clientMetricsConfigs), ...overrides.keys()]), options).map(name => {
    const definition = (clientMetricsConfigs as ConfigTable)[name];
    const source = ConfigSource.DYNAMIC_CLIENT_METRICS_CONFIG;
    // As Kafka has it, a value that is set has no default behind it.
    const inherited = overrides.has(name) ? [] : ownDefault(name, definition);
    return resourceEntry(name, definition, overrides, source, inherited, config, options);
  });
}

function select(names: ReadonlySet<string>, { names: requested }: DescribeOptions): string[] {
  return requested ? [...new Set(requested)].filter(name => names.has(name)) : [...names];
}

/** Internal keys show only once set; so do keys that only exist dynamically. */
function isHidden(name: string, config: BrokerConfig): boolean {
  const definition: ConfigDefinition | undefined = definitionOf(name);
  const isDynamicOnly =
    /^((follower|leader)\.replication\.throttled\.rate|replica\.alter\.log\.dirs\.io\.max\.bytes\.per\.second)$/.test(
      name,
    );
  return (definition?.internal === true || isDynamicOnly) && !(isBrokerConfigName(name) && config.isSet(name));
}

/** Keys of which a later one holds when the earlier ones are not set; Kafka lists them as each other's synonyms. */
const SYNONYM_CHAINS: readonly (readonly BrokerConfigName[])[] = [
  ["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
  ["log.roll.ms", "log.roll.hours"],
  ["log.roll.jitter.ms", "log.roll.jitter.hours"],
  ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
];

/**
 * The settings behind a broker key, nearest first: layer by layer, and within a layer along its chain of keys. As in Kafka, whatever
 * comes before the first mention of the key itself is dropped, so that a key whose own name is nowhere set has an empty list.
 */
function brokerSynonyms(config: BrokerConfig, name: string): ConfigSynonym[] {
  const base = baseConfigName(name);
  const chain =
    base === name ? (SYNONYM_CHAINS.find(keys => (keys as readonly string[]).includes(name)) ?? [name]) : [name, base];
  const found: ConfigSynonym[] = [];
  for (const source of BROKER_SOURCES) {
    for (const key of chain) {
      const text = config.textAt(source, key);
      if (text !== null) found.push({ name: key, value: isSensitive(definitionOf(key)) ? null : text, source });
    }
  }
  const first = found.findIndex(synonym => synonym.name === name);
  return first < 0 ? [] : found.slice(first);
}

const BROKER_SOURCES = [
  ConfigSource.DYNAMIC_BROKER_CONFIG,
  ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
  ConfigSource.STATIC_BROKER_CONFIG,
  ConfigSource.DEFAULT_CONFIG,
];

function brokerEntry(
  name: string,
  value: string | null,
  synonyms: ConfigSynonym[],
  options: DescribeOptions,
): ConfigEntry {
  const definition = definitionOf(name);
  const readOnly = definition === undefined || updateModeOf(definition) === "read-only";
  return entry(name, definition, value, readOnly, synonyms, isSensitive(definition), options);
}

/** The text of the value that holds now. */
function currentText(config: BrokerConfig, name: string, synonyms: readonly ConfigSynonym[]): string | null {
  return isBrokerConfigName(name) ? config.textAt(config.source(name), name) : (synonyms[0]?.value ?? null);
}

/** An entry of a topic, group or subscription: what was set on it, before what it inherits. */
function resourceEntry(
  name: string,
  definition: ConfigDefinition | undefined,
  overrides: ConfigLayer,
  source: ConfigSource,
  inherited: ConfigSynonym[],
  config: BrokerConfig,
  options: DescribeOptions,
): ConfigEntry {
  const text = overrides.get(name);
  const sensitive = isSensitive(definition);
  if (text === undefined) {
    const value = definition ? formatValue(definition.type, inheritedValue(definition, config)) : null;
    return entry(name, definition, inheritedText(value, inherited, definition), false, inherited, sensitive, options);
  }
  const isValid = definition !== undefined && parseValue(definition, text).ok;
  const value = isValid ? canonicalText(definition.type, text) : text;
  const synonyms = [{ name, value: sensitive ? null : value, source }, ...inherited];
  return entry(name, definition, value, false, synonyms, sensitive, options);
}

/** Prefers the broker's own text, which keeps a long beyond the safe integers exact. */
function inheritedText(
  value: string | null,
  inherited: readonly ConfigSynonym[],
  definition: ConfigDefinition | undefined,
): string | null {
  const isExact = definition?.type === "long" && inherited[0]?.name === definition.brokerSynonyms?.[0]?.name;
  return isExact ? (inherited[0]?.value ?? value) : value;
}

function ownDefault(name: string, definition: ConfigDefinition | undefined): ConfigSynonym[] {
  if (!definition) return [];
  return [{ name, value: formatValue(definition.type, definition.default), source: ConfigSource.DEFAULT_CONFIG }];
}

function entry(
  name: string,
  definition: ConfigDefinition | undefined,
  value: string | null,
  readOnly: boolean,
  synonyms: readonly ConfigSynonym[],
  sensitive: boolean,
  options: DescribeOptions,
): ConfigEntry {
  const source = synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG;
  return {
    name,
    value: sensitive ? null : value,
    readOnly,
    configSource: source,
    isSensitive: sensitive,
    synonyms: options.includeSynonyms ? synonyms : [],
    configType: definition ? configTypeCodes[definition.type] : UNKNOWN_CONFIG_TYPE,
    documentation: options.includeDocumentation ? (definition?.documentation ?? null) : null,
  };
}

/** Passwords, and keys nobody knows: they may hold anything. */
function isSensitive(definition: ConfigDefinition | undefined): boolean {
  return definition === undefined || definition.type === "password";
}
