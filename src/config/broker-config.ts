/**
 * The broker's configuration: one typed value a key, from the highest layer that sets it. Layers from low to high: the table's default,
 * static settings (files < environment < flags), the cluster-wide dynamic default, this broker's dynamic settings (KIP-226).
 *
 * @example
 * const { config, problems } = BrokerConfig.parse({ files: ["log.roll.hours = 24"], overrides: { "node.id": "2" } });
 * config.get("log.roll.hours"); // 24, a number
 * config.nodeId; // 2
 */
import { type BrokerConfigName, type BrokerConfigValue, brokerConfigs, isBrokerConfigName } from "./broker-configs.ts";
import { checkBrokerConfig } from "./checks.ts";
import { ConfigSource } from "./config-source.ts";
import { CORDONED_LOG_DIRS, checkCordonedLogDirs, cordonedPaths } from "./cordoned-log-dirs.ts";
import { type AnyConfigValue, type ConfigDefinition, effectiveDefault, updateModeOf } from "./definition.ts";
import { emulatedBrokerDefaults } from "./emulation.ts";
import {
  type ListenerAddress,
  type ListenerConfig,
  parseListener,
  parseProtocolMap,
  type SecurityProtocol,
} from "./listeners.ts";
import { Password } from "./password.ts";
import { ConfigError, type ConfigProblem, error, warning } from "./problems.ts";
import { baseConfigName, type ConfigSources, collectSettings, type Setting } from "./sources.ts";
import { canonicalText, formatValue, parseValue } from "./values.ts";

export type Role = "broker" | "controller";

/** Keys (also listener-prefixed ones) → texts, of one layer. */
export type ConfigLayer = ReadonlyMap<string, string>;

export class BrokerConfig {
  readonly #static: ReadonlyMap<string, Setting>;
  readonly #hostname: string;
  #cluster: ConfigLayer = new Map();
  #broker: ConfigLayer = new Map();
  readonly #values = new Map<BrokerConfigName, AnyConfigValue>();
  readonly #subscribers = new Set<(changed: readonly BrokerConfigName[]) => void>();

  private constructor(settings: ReadonlyMap<string, Setting>, hostname: string) {
    this.#static = settings;
    this.#hostname = hostname;
    for (const name of Object.keys(brokerConfigs) as BrokerConfigName[]) this.#values.set(name, this.#resolve(name));
  }

  /**
   * Reads all sources. `problems` holds every error and warning; with an error among them the configuration must not be used to start a
   * broker ({@link load} throws then). A bad value is replaced by the default in the configuration returned.
   */
  static parse(sources: ConfigSources = {}): { config: BrokerConfig; problems: readonly ConfigProblem[] } {
    const { settings, problems } = collectSettings(sources);
    for (const [name, { value, origin }] of settings) {
      const definition = definitionOf(name);
      if (!definition) continue;
      const outcome = parseValue(definition, value);
      if (!outcome.ok) {
        const shown = definition.type === "password" ? Password.HIDDEN : JSON.stringify(value);
        problems.push(error(name, `${name} = ${shown} (${origin}): expected ${outcome.expected}`));
      } else if (definition.effect === "later") {
        problems.push(warning(name, `${name} (${origin}) is known but has no effect in this version`));
      }
    }
    const config = new BrokerConfig(settings, sources.hostname ?? "localhost");
    problems.push(...checkBrokerConfig(config));
    // Only here: an update is checked by the active controller, whose directories are others than the broker's.
    const complaint = checkCordonedLogDirs(config.get("cordoned.log.dirs"), config.logDirs);
    if (complaint !== null && config.hasRole("broker")) problems.push(error(CORDONED_LOG_DIRS, complaint));
    return { config, problems };
  }

  /** As {@link parse}; throws {@link ConfigError} with all errors when there are any. */
  static load(sources: ConfigSources = {}): BrokerConfig {
    const { config, problems } = BrokerConfig.parse(sources);
    if (problems.some(problem => problem.severity === "error")) throw new ConfigError(problems);
    return config;
  }

  /** The value that holds now. Cheap, but a hot path should keep it and {@link subscribe}. */
  get<N extends BrokerConfigName>(name: N): BrokerConfigValue<N> {
    return this.#values.get(name) as BrokerConfigValue<N>;
  }

  /** The layer that {@link get} takes the value from. */
  source(name: BrokerConfigName): ConfigSource {
    if (this.#usable(this.#broker, name)) return ConfigSource.DYNAMIC_BROKER_CONFIG;
    if (this.#usable(this.#cluster, name)) return ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG;
    return this.#staticText(name) === undefined ? ConfigSource.DEFAULT_CONFIG : ConfigSource.STATIC_BROKER_CONFIG;
  }

  /** Whether anybody set the key, in any layer. */
  isSet(name: BrokerConfigName): boolean {
    return this.source(name) !== ConfigSource.DEFAULT_CONFIG;
  }

  /**
   * The text in one layer as Kafka prints it, or null when the layer does not set the key. `name` may have a `listener.name.…` prefix.
   * The text of a password is its secret: callers must not hand it on.
   */
  textAt(source: ConfigSource, name: string): string | null {
    const definition = definitionOf(name);
    let text: string | undefined;
    switch (source) {
      case ConfigSource.DYNAMIC_BROKER_CONFIG:
        text = this.#broker.get(name);
        break;
      case ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG:
        text = this.#cluster.get(name);
        break;
      case ConfigSource.STATIC_BROKER_CONFIG:
        text = this.#static.get(name)?.value;
        break;
      default:
        return isBrokerConfigName(name) ? formatValue(brokerConfigs[name].type, this.#default(name)) : null;
    }
    if (text === undefined || !definition) return text ?? null;
    return parseValue(definition, text).ok ? canonicalText(definition.type, text) : null;
  }

  /** Names set in a layer, known or not. Defaults are in the table. */
  namesAt(source: ConfigSource): readonly string[] {
    if (source === ConfigSource.DYNAMIC_BROKER_CONFIG) return [...this.#broker.keys()];
    if (source === ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG) return [...this.#cluster.keys()];
    return source === ConfigSource.STATIC_BROKER_CONFIG ? [...this.#static.keys()] : Object.keys(brokerConfigs);
  }

  /** A key's value for one listener: `listener.name.<listener>.<name>` where set, else {@link get}. */
  getForListener<N extends BrokerConfigName>(listener: string, name: N): BrokerConfigValue<N> {
    const prefixed = `listener.name.${listener.toLowerCase()}.${name}`;
    for (const text of [this.#broker.get(prefixed), this.#cluster.get(prefixed), this.#static.get(prefixed)?.value]) {
      if (text === undefined) continue;
      const outcome = parseValue(brokerConfigs[name], text);
      if (outcome.ok) return outcome.value as BrokerConfigValue<N>;
    }
    return this.get(name);
  }

  /**
   * Replaces both dynamic layers, as the metadata image has them, and tells subscribers which values changed. Keys that may not change while
   * running, unknown keys and values that do not parse are left to the layer below: the controller refuses them before they get here.
   */
  applyDynamic(brokerLevel: ConfigLayer, clusterLevel: ConfigLayer): readonly BrokerConfigName[] {
    this.#broker = new Map(brokerLevel);
    this.#cluster = new Map(clusterLevel);
    const changed: BrokerConfigName[] = [];
    for (const [name, before] of this.#values) {
      const after = this.#resolve(name);
      if (sameValue(before, after)) continue;
      this.#values.set(name, after);
      changed.push(name);
    }
    if (changed.length > 0) for (const subscriber of [...this.#subscribers]) subscriber(changed);
    return changed;
  }

  /** A copy as it would be with these dynamic layers, for checking an update before it is written. */
  withDynamic(brokerLevel: ConfigLayer, clusterLevel: ConfigLayer): BrokerConfig {
    const copy = new BrokerConfig(this.#static, this.#hostname);
    copy.applyDynamic(brokerLevel, clusterLevel);
    return copy;
  }

  /** Calls `listener` with the names that changed, after each dynamic update. Returns how to stop that. */
  subscribe(listener: (changed: readonly BrokerConfigName[]) => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  get nodeId(): number {
    return this.isSet("node.id") || !this.isSet("broker.id") ? this.get("node.id") : this.get("broker.id");
  }

  get roles(): readonly Role[] {
    return this.get("process.roles") as readonly Role[];
  }

  hasRole(role: Role): boolean {
    return this.roles.includes(role);
  }

  /** Log directories: `log.dirs`, else `log.dir`, else `./data`. */
  get logDirs(): readonly string[] {
    return !this.isSet("log.dirs") && this.isSet("log.dir") ? this.get("log.dir") : (this.get("log.dirs") ?? []);
  }

  /** The log directories that `cordoned.log.dirs` names now (KIP-1066). */
  get cordonedLogDirs(): readonly string[] {
    return cordonedPaths(this.get("cordoned.log.dirs"), this.logDirs);
  }

  /** Where `__cluster_metadata-0` lives: `metadata.log.dir`, else the first log directory. */
  get metadataLogDir(): string {
    return this.get("metadata.log.dir") ?? this.logDirs[0]!;
  }

  /**
   * Every listener to bind. A controller without a listener of its own gets one, named by `controller.listener.names`, on the first client
   * listener's host and its port + 10,000.
   */
  listeners(): readonly ListenerConfig[] {
    const given = parseAll(this.get("listeners"));
    const isController = this.hasRole("controller");
    const isDefault = !this.isSet("listeners");
    const addresses = isDefault && !this.hasRole("broker") ? [] : [...given];
    const [controllerName] = this.controllerListenerNames;
    if (isController && controllerName !== undefined && !addresses.some(address => this.#isController(address.name))) {
      const client = given[0] ?? { host: "127.0.0.1", port: 9092 };
      addresses.push({ name: controllerName, host: client.host, port: defaultControllerPort(client.port) });
    }
    const protocols = this.securityProtocolMap();
    return addresses.map(address => ({ ...address, protocol: protocols.get(address.name) ?? "PLAINTEXT" }));
  }

  /** The listeners clients and brokers connect to. */
  brokerListeners(): readonly ListenerConfig[] {
    return this.listeners().filter(listener => !this.#isController(listener.name));
  }

  /** The listeners of the controller quorum. */
  controllerListeners(): readonly ListenerConfig[] {
    return this.listeners().filter(listener => this.#isController(listener.name));
  }

  /** Upper case, in order; the first is the one this node uses to reach controllers. */
  get controllerListenerNames(): readonly string[] {
    return this.get("controller.listener.names").map(name => name.toUpperCase());
  }

  /**
   * What clients are told to connect to: `advertised.listeners`, or the broker listeners with the host's name in place of an empty host.
   * A port of 0 stays 0: the server fills in the one it got.
   */
  advertisedListeners(): readonly ListenerConfig[] {
    const protocols = this.securityProtocolMap();
    const advertised = this.get("advertised.listeners");
    const addresses: readonly ListenerAddress[] = advertised === null ? this.brokerListeners() : parseAll(advertised);
    return addresses
      .filter(address => !this.#isController(address.name))
      .map(({ name, host, port }) => ({
        name,
        host: host === "" ? this.#hostname : host,
        port,
        protocol: protocols.get(name) ?? "PLAINTEXT",
      }));
  }

  /** The name of the listener that brokers use among themselves. */
  get interBrokerListenerName(): string {
    return (this.get("inter.broker.listener.name") ?? this.get("security.inter.broker.protocol")).toUpperCase();
  }

  /** Listener name → protocol. Controller listeners are PLAINTEXT unless the map was set and says otherwise. */
  securityProtocolMap(): ReadonlyMap<string, SecurityProtocol> {
    const { protocols } = parseProtocolMap(this.get("listener.security.protocol.map"));
    if (!this.isSet("listener.security.protocol.map")) {
      for (const name of this.controllerListenerNames) if (!protocols.has(name)) protocols.set(name, "PLAINTEXT");
    }
    return protocols;
  }

  /**
   * The replication factor of an internal topic: what was set, else Kafka's default but never more than there are brokers. So a single node
   * needs no setting, and a cluster of three gets 3.
   */
  internalTopicReplicationFactor(name: InternalReplicationFactorName, brokerCount: number): number {
    return this.isSet(name) ? this.get(name) : Math.max(1, Math.min(this.get(name), brokerCount));
  }

  /** In {@link internalTopicReplicationFactor}'s spirit: what was set, else Kafka's default but never more than a majority of the replicas. */
  internalTopicMinInsyncReplicas(name: InternalMinInsyncName, replicationFactor: number): number {
    if (this.isSet(name)) return this.get(name);
    return replicationFactor <= 2 ? 1 : Math.min(this.get(name), Math.floor(replicationFactor / 2) + 1);
  }

  #isController(listenerName: string): boolean {
    return this.controllerListenerNames.includes(listenerName);
  }

  #resolve(name: BrokerConfigName): AnyConfigValue {
    const definition: ConfigDefinition = brokerConfigs[name];
    const texts = [
      this.#usable(this.#broker, name) ? this.#broker.get(name) : undefined,
      this.#usable(this.#cluster, name) ? this.#cluster.get(name) : undefined,
      this.#staticText(name),
    ];
    for (const text of texts) {
      if (text === undefined) continue;
      const outcome = parseValue(definition, text);
      if (outcome.ok) return outcome.value;
    }
    return this.#default(name);
  }

  #default(name: BrokerConfigName): AnyConfigValue {
    const emulated = this.#staticText("samsa.emulate.version") === "2.4" ? emulatedBrokerDefaults[name] : undefined;
    return emulated ?? effectiveDefault(brokerConfigs[name]);
  }

  #staticText(name: BrokerConfigName): string | undefined {
    const setting = this.#static.get(name);
    return setting && parseValue(brokerConfigs[name], setting.value).ok ? setting.value : undefined;
  }

  /** Whether a dynamic layer sets the key to something that may be set there. */
  #usable(layer: ConfigLayer, name: BrokerConfigName): boolean {
    const text = layer.get(name);
    if (text === undefined) return false;
    const definition: ConfigDefinition = brokerConfigs[name];
    const mode = updateModeOf(definition);
    const mayChange = layer === this.#broker ? mode !== "read-only" : mode === "cluster-wide";
    return mayChange && parseValue(definition, text).ok;
  }
}

export type InternalReplicationFactorName =
  | "offsets.topic.replication.factor"
  | "transaction.state.log.replication.factor"
  | "share.coordinator.state.topic.replication.factor";

export type InternalMinInsyncName = "transaction.state.log.min.isr" | "share.coordinator.state.topic.min.isr";

/** The row of a key with or without a listener prefix. */
export function definitionOf(name: string): ConfigDefinition | undefined {
  const base = baseConfigName(name);
  return isBrokerConfigName(base) ? brokerConfigs[base] : undefined;
}

function parseAll(texts: readonly string[]): ListenerAddress[] {
  return texts.map(parseListener).filter(address => address !== null);
}

/** The port of a controller's listener that is not configured, on a node with this client port. */
export function defaultControllerPort(clientPort: number): number {
  if (clientPort === 0) return 0;
  return clientPort + 10_000 <= 65_535 ? clientPort + 10_000 : clientPort - 10_000;
}

function sameValue(left: AnyConfigValue, right: AnyConfigValue): boolean {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((entry, index) => entry === right[index]);
  }
  if (left instanceof Password && right instanceof Password) return left.equals(right);
  return left === right;
}
