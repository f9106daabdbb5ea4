/** Which changes of a running broker's configuration are allowed (IncrementalAlterConfigs, AlterConfigs on a broker or the cluster). */
import { type BrokerConfig, type ConfigLayer, definitionOf } from "./broker-config.ts";
import { checkBrokerConfig } from "./checks.ts";
import { clientMetricsConfigs } from "./client-metrics-configs.ts";
import { ConfigResourceType } from "./config-source.ts";
import { checkCordonedLogDirs } from "./cordoned-log-dirs.ts";
import { type ConfigDefinition, type ConfigTable, updateModeOf } from "./definition.ts";
import { groupConfigs } from "./group-configs.ts";
import { baseConfigName } from "./sources.ts";
import { topicConfigDefinition } from "./topic-config.ts";
import { parseValue } from "./values.ts";

/** One broker's own settings, or the default of all brokers (resource name ""). */
export type BrokerConfigLevel = "broker" | "cluster";

/**
 * Why `name` cannot be set to `value` (null: taken away) on a running broker, or null when it can. As in Kafka, a name that nobody knows is
 * accepted: it may belong to a plug-in.
 */
export function validateBrokerConfig(name: string, value: string | null, level: BrokerConfigLevel): string | null {
  const definition = definitionOf(name);
  if (!definition) return null;
  if (updateModeOf(definition) === "read-only")
    return `Cannot update ${name} dynamically: it is read-only while the broker runs`;
  const isPrefixed = baseConfigName(name) !== name;
  if (level === "cluster" && (definition.updateMode === "per-broker" || isPrefixed)) {
    return `Cannot update ${name} at the default cluster level: it is a setting of each broker`;
  }
  if (definition.updateMode === "per-broker" && !isPrefixed && /^(ssl|sasl)\./.test(name)) {
    return `Cannot update ${name} dynamically without a listener prefix (listener.name.<listener>.${name})`;
  }
  if (value === null) return null;
  const outcome = parseValue(definition, value);
  if (outcome.ok) return null;
  const shown = definition.type === "password" ? "[hidden]" : value;
  return `Invalid value ${shown} for configuration ${name}: expected ${outcome.expected}`;
}

/** Checks the layers an update would leave: each key and all rules across keys. The first complaint, or null. */
export function validateBrokerUpdate(
  config: BrokerConfig,
  brokerLevel: ConfigLayer,
  clusterLevel: ConfigLayer,
): string | null {
  for (const [layer, level] of [
    [brokerLevel, "broker"],
    [clusterLevel, "cluster"],
  ] as const) {
    for (const [name, value] of layer) {
      const complaint = validateBrokerConfig(name, value, level);
      if (complaint) return complaint;
    }
  }
  return checkBrokerConfig(config.withDynamic(brokerLevel, clusterLevel))[0]?.message ?? null;
}

/** Why a client metrics subscription cannot have these settings, or null. */
export function validateClientMetricsConfigs(settings: ConfigLayer): string | null {
  for (const [name, value] of settings) {
    const definition = (clientMetricsConfigs as ConfigTable)[name];
    if (!definition) return `Unknown client metrics configuration ${name}`;
    const outcome = parseValue(definition, value);
    if (!outcome.ok) return `Invalid value ${value} for configuration ${name}: expected ${outcome.expected}`;
    if (name === "interval.ms" && ((outcome.value as number) < 100 || (outcome.value as number) > 3_600_000)) {
      return `Invalid value ${value} for configuration ${name}: expected a number from 100 to 3600000`;
    }
    if (name === "match") {
      const malformed = (outcome.value as readonly string[]).find(pattern => !isClientMatch(pattern));
      if (malformed !== undefined) return `Illegal client matching pattern: ${malformed}`;
    }
  }
  return null;
}

/** The row of a key of any resource, or undefined. */
export function configDefinition(
  type: ConfigResourceType,
  name: string,
  emulatedVersion = "4.3",
): ConfigDefinition | undefined {
  switch (type) {
    case ConfigResourceType.TOPIC:
      return topicConfigDefinition(name, emulatedVersion);
    case ConfigResourceType.BROKER:
      return definitionOf(name);
    case ConfigResourceType.GROUP:
      return (groupConfigs as ConfigTable)[name];
    case ConfigResourceType.CLIENT_METRICS:
      return (clientMetricsConfigs as ConfigTable)[name];
    case ConfigResourceType.BROKER_LOGGER:
      return undefined;
  }
}

/**
 * Why a broker cannot take these changes of its own settings, or null: it alone knows its directories. `current` is the text that is set for it.
 * Values are texts as IncrementalAlterConfigs has them, `isAppended` to what is set or in its place.
 */
export function checkCordoningUpdate(
  update: { readonly value: string; readonly isAppended: boolean },
  current: string | null,
  logDirs: readonly string[],
): string | null {
  const text = update.isAppended ? appendToList(current, update.value) : update.value;
  return checkCordonedLogDirs(splitList(text), logDirs);
}

/** The text of a list key after APPEND: entries of `added` that are not there yet come last. */
export function appendToList(current: string | null, added: string): string {
  const entries = splitList(current);
  return [...entries, ...splitList(added).filter(entry => !entries.includes(entry))].join(",");
}

/** The text of a list key after SUBTRACT. */
export function subtractFromList(current: string | null, removed: string): string {
  const gone = splitList(removed);
  return splitList(current)
    .filter(entry => !gone.includes(entry))
    .join(",");
}

function splitList(text: string | null): string[] {
  return text === null || text.trim() === "" ? [] : text.trim().split(/\s*,\s*/);
}

const CLIENT_FIELDS = [
  "client_instance_id",
  "client_id",
  "client_software_name",
  "client_software_version",
  "client_source_address",
  "client_source_port",
];

/** `field=regular expression`, with a field of KIP-714. */
function isClientMatch(pattern: string): boolean {
  const separator = pattern.indexOf("=");
  if (separator < 0 || !CLIENT_FIELDS.includes(pattern.slice(0, separator).trim())) return false;
  try {
    new RegExp(pattern.slice(separator + 1).trim());
    return true;
  } catch {
    return false;
  }
}
