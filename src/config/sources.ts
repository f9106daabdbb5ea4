/**
 * Where static settings come from: `server.properties` files, then `SAMSA_…` environment variables, then flags; the later wins.
 */
import { brokerConfigs, isBrokerConfigName } from "./broker-configs.ts";
import { nearestNames } from "./nearest-names.ts";
import { type ConfigProblem, warning } from "./problems.ts";
import { parseProperties } from "./properties.ts";
import { removedBrokerConfigs } from "./removed-configs.ts";

/** The text of a properties file, and what to call it in messages (`server.properties` when only the text is given). */
export type ConfigFile = string | { readonly name: string; readonly text: string };

export interface ConfigSources {
  /** Later files win over earlier ones. */
  readonly files?: readonly ConfigFile[];
  /** The process environment; only names that begin with `SAMSA_` are looked at. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** From flags: key → value. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** What a listener bound to every interface is advertised as. */
  readonly hostname?: string;
}

/** One key as it was set. */
export interface Setting {
  readonly value: string;
  /** For messages: `server.properties line 12`, `SAMSA_LOG_DIRS`, `--override`. */
  readonly origin: string;
}

/** All settings by key, and a warning for each key that nobody knows. */
export function collectSettings(sources: ConfigSources): { settings: Map<string, Setting>; problems: ConfigProblem[] } {
  const settings = new Map<string, Setting>();
  const problems: ConfigProblem[] = [];
  const put = (name: string, value: string, origin: string): void => {
    const problem = unknownKeyProblem(name, origin);
    if (problem) problems.push(problem);
    settings.set(name, { value, origin });
  };
  for (const file of sources.files ?? []) {
    const { name, text } = typeof file === "string" ? { name: "server.properties", text: file } : file;
    for (const { key, value, lineNumber } of parseProperties(text)) put(key, value, `${name} line ${lineNumber}`);
  }
  for (const [variable, value] of Object.entries(sources.environment ?? {})) {
    if (value === undefined || !variable.startsWith(PREFIX) || isServiceVariable(variable)) continue;
    put(environmentKey(variable), value, `environment variable ${variable}`);
  }
  for (const [name, value] of Object.entries(sources.overrides ?? {})) put(name, value, "--override");
  return { settings, problems };
}

/**
 * The key that an environment variable sets: `SAMSA_LOG_RETENTION_MS` → `log.retention.ms`. One underscore is a dot, two are an underscore,
 * three a hyphen (as in Kafka's container images); `samsa.` may be left out: `SAMSA_LOG_FORMAT` → `samsa.log.format`.
 */
export function environmentKey(variable: string): string {
  const key = variable
    .slice(PREFIX.length)
    .toLowerCase()
    .replace(/_{1,3}/g, run => SEPARATORS[run.length - 1]!);
  return !isBrokerConfigName(key) && isBrokerConfigName(`samsa.${key}`) ? `samsa.${key}` : key;
}

/** The key without a `listener.name.<listener>.` (and SASL mechanism) prefix; the key itself when it has none. */
export function baseConfigName(name: string): string {
  const prefixed = /^listener\.name\.[^.]+\.(.+)$/.exec(name);
  if (!prefixed) return name;
  const rest = prefixed[1]!;
  const withoutMechanism = rest.slice(rest.indexOf(".") + 1);
  return !isBrokerConfigName(rest) && isBrokerConfigName(withoutMechanism) ? withoutMechanism : rest;
}

const PREFIX = "SAMSA_";
const SEPARATORS = [".", "_", "-"];

/** Variables that Kubernetes and Docker set for a service named "samsa". */
function isServiceVariable(variable: string): boolean {
  return /^SAMSA_(SERVICE_HOST|SERVICE_PORT|PORT)(_|$)/.test(variable) || variable === "SAMSA_PORT";
}

/** Keys of plug-ins, handed on under these prefixes. */
const OPEN_PREFIXES = ["rsm.config.", "rlmm.config.", "config.providers.", "remote.log.metadata."];

function unknownKeyProblem(name: string, origin: string): ConfigProblem | null {
  if (isBrokerConfigName(baseConfigName(name)) || OPEN_PREFIXES.some(prefix => name.startsWith(prefix))) return null;
  const advice = removedBrokerConfigs[name];
  if (advice !== undefined) return warning(name, `${name} (${origin}) has no effect: ${advice}`);
  const nearest = nearestNames(name, Object.keys(brokerConfigs));
  const suggestion = nearest.length > 0 ? `; did you mean ${nearest.join(" or ")}?` : "";
  return warning(name, `${name} (${origin}) is not a known setting and is ignored${suggestion}`);
}
