/** A group's configuration (KIP-848, KIP-932, KIP-1071): what was set on the group, else the broker's `group.` key, else the default. */
import type { BrokerConfig, ConfigLayer } from "./broker-config.ts";
import { type BrokerConfigName, isBrokerConfigName } from "./broker-configs.ts";
import type { AnyConfigValue, ConfigDefinition, ValueOfDefinition } from "./definition.ts";
import { groupConfigs } from "./group-configs.ts";
import { inheritedValue } from "./topic-config.ts";
import { parseValue } from "./values.ts";

export type GroupConfigName = keyof typeof groupConfigs;
export type GroupConfigValue<N extends GroupConfigName> = ValueOfDefinition<(typeof groupConfigs)[N]>;

export class GroupConfig {
  readonly #values = new Map<GroupConfigName, AnyConfigValue>();

  private constructor(overrides: ConfigLayer, broker: BrokerConfig) {
    for (const name of Object.keys(groupConfigs) as GroupConfigName[]) {
      const definition: ConfigDefinition = groupConfigs[name];
      const text = overrides.get(name);
      const outcome = text === undefined ? undefined : parseValue(definition, text);
      this.#values.set(name, outcome?.ok ? clamp(name, outcome.value, broker) : inheritedValue(definition, broker));
    }
  }

  /** The configuration as it is now; a value outside the broker's bounds counts as the nearest bound (they may have changed since). */
  static resolve(overrides: ConfigLayer, broker: BrokerConfig): GroupConfig {
    return new GroupConfig(overrides, broker);
  }

  get<N extends GroupConfigName>(name: N): GroupConfigValue<N> {
    return this.#values.get(name) as GroupConfigValue<N>;
  }
}

/** Checks all overrides of a group one by one, against the broker's bounds, and together; the first complaint, or null. */
export function validateGroupConfigs(overrides: ConfigLayer, broker: BrokerConfig): string | null {
  for (const [name, value] of overrides) {
    if (!Object.hasOwn(groupConfigs, name)) return `Unknown group config name: ${name}`;
    const outcome = parseValue(groupConfigs[name as GroupConfigName], value);
    if (!outcome.ok) return `Invalid value ${value} for configuration ${name}: expected ${outcome.expected}`;
    const { minimum, maximum } = bounds(name as GroupConfigName, broker);
    if (typeof outcome.value !== "number" || (outcome.value >= minimum && outcome.value <= maximum)) continue;
    return `Invalid value ${value} for configuration ${name}: this broker allows ${minimum} to ${maximum}`;
  }
  const group = GroupConfig.resolve(overrides, broker);
  for (const kind of ["consumer", "share", "streams"] as const) {
    const [heartbeat, session] = [group.get(`${kind}.heartbeat.interval.ms`), group.get(`${kind}.session.timeout.ms`)];
    if (heartbeat >= session)
      return `${kind}.heartbeat.interval.ms (${heartbeat}) must be smaller than ${kind}.session.timeout.ms (${session})`;
  }
  return null;
}

/** The broker's `group.<kind>.min.…` and `max.…` keys for a group key. */
function bounds(name: GroupConfigName, broker: BrokerConfig): { minimum: number; maximum: number } {
  const limit = (word: "min" | "max", otherwise: number): number => {
    const key = `group.${name.replace(".", `.${word}.`).replace("num.standby", "standby")}`;
    return isBrokerConfigName(key) ? (broker.get(key as BrokerConfigName) as number) : otherwise;
  };
  return { minimum: limit("min", Number.NEGATIVE_INFINITY), maximum: limit("max", Number.POSITIVE_INFINITY) };
}

function clamp(name: GroupConfigName, value: AnyConfigValue, broker: BrokerConfig): AnyConfigValue {
  if (typeof value !== "number") return value;
  const { minimum, maximum } = bounds(name, broker);
  return Math.max(minimum, Math.min(maximum, value));
}
