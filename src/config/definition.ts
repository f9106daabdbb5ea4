/**
 * What one configuration key is: the row type of every table in this folder, and the TypeScript types derived from those rows.
 *
 * A table is a frozen object literal (`as const satisfies ConfigTable`), so that `get("log.roll.hours")` is a `number` and
 * `get("log.roll.ms")` a `number | null` without either being written down twice.
 */
import type { Password } from "./password.ts";
import type { Validator } from "./validators.ts";

export type ConfigType = "boolean" | "string" | "int" | "short" | "long" | "double" | "list" | "class" | "password";
export type Importance = "high" | "medium" | "low";

/** Where a broker key may be changed while the broker runs (KIP-226). `read-only` needs a restart. */
export type UpdateMode = "read-only" | "per-broker" | "cluster-wide";

/** Whether this version of Samsa acts on the key. A key that is set but acts `later` is named once at start. */
export type Effect = "used" | "later";

/** The value a key of each type has in code. Longs saturate at ±Number.MAX_SAFE_INTEGER, as int64 does on the wire. */
export interface ValueByType {
  boolean: boolean;
  string: string;
  int: number;
  short: number;
  long: number;
  double: number;
  list: readonly string[];
  class: string;
  password: Password;
}

/** A broker key that supplies a topic's or group's default, and what one unit of it is worth (hours → 3,600,000 ms). */
export interface BrokerSynonym {
  readonly name: string;
  readonly valueOf1: number;
}

interface DefinitionOf<T extends ConfigType> {
  readonly type: T;
  /** Apache Kafka's default; null when the key has none. */
  readonly default: ValueByType[T] | null;
  /** Kafka refuses to start without it. Samsa then has a default of its own. */
  readonly required?: true;
  /** Samsa's default where it differs from Kafka's; docs/config.md says why. */
  readonly samsaDefault?: ValueByType[T] | null;
  /** Which values of the type are accepted; all, when left out. */
  readonly valid?: Validator;
  readonly importance: Importance;
  /** Broker keys only. */
  readonly updateMode?: UpdateMode;
  /** Samsa's mode where it takes a restart that Kafka does without. */
  readonly samsaUpdateMode?: "read-only";
  readonly effect: Effect;
  /** Kafka hides it from its documentation, and from DescribeConfigs unless set. */
  readonly internal?: true;
  /** Topic and group keys only: the broker keys that supply the default, first set one wins. */
  readonly brokerSynonyms?: readonly BrokerSynonym[];
  /** One line, ours. */
  readonly documentation: string;
}

/** One key, whatever its type. */
export type ConfigDefinition = { [T in ConfigType]: DefinitionOf<T> }[ConfigType];

export type ConfigTable = Readonly<Record<string, ConfigDefinition>>;

/** Any value a key can have. */
export type AnyConfigValue = ValueByType[ConfigType] | null;

/** The type of a row's value: its `type`'s, or null when neither Kafka nor Samsa has a default. */
export type ValueOfDefinition<D extends ConfigDefinition> =
  | ValueByType[D["type"]]
  | (null extends EffectiveDefault<D> ? null : never);

type EffectiveDefault<D extends ConfigDefinition> = D extends { readonly samsaDefault: infer S } ? S : D["default"];

/** The default that holds in Samsa. */
export function effectiveDefault(definition: ConfigDefinition): AnyConfigValue {
  return definition.samsaDefault !== undefined ? definition.samsaDefault : definition.default;
}

/** How a broker key may change in Samsa. */
export function updateModeOf(definition: ConfigDefinition): UpdateMode | undefined {
  return definition.samsaUpdateMode ?? definition.updateMode;
}

/** Java's Long.MAX_VALUE as the tables write it: the largest safe integer, printed as 9223372036854775807. */
export const LONG_MAX: number = Number.MAX_SAFE_INTEGER;
export const INT_MAX = 2_147_483_647;
