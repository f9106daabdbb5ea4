/** Rules about listeners: their form, their names, who may have which, what may be advertised. */
import type { BrokerConfig } from "./broker-config.ts";
import { type ListenerAddress, parseListener, parseProtocolMap } from "./listeners.ts";
import { type ConfigProblem, error } from "./problems.ts";

export function checkListeners(config: BrokerConfig): ConfigProblem[] {
  const malformed = [
    ...checkForm(config, "listeners"),
    ...checkForm(config, "advertised.listeners"),
    ...checkProtocolMap(config),
  ];
  // The rules below would only repeat what is wrong with the form.
  if (malformed.length > 0) return malformed;
  return [...checkNames(config), ...checkRoles(config), ...checkAdvertised(config), ...checkInterBroker(config)];
}

function checkForm(config: BrokerConfig, name: "listeners" | "advertised.listeners"): ConfigProblem[] {
  return (config.get(name) ?? [])
    .filter(text => parseListener(text) === null)
    .map(text => error(name, `${name}: ${text || "an empty entry"} is not of the form NAME://host:port`));
}

function checkProtocolMap(config: BrokerConfig): ConfigProblem[] {
  const name = "listener.security.protocol.map";
  return parseProtocolMap(config.get(name)).malformed.map(entry =>
    error(
      name,
      `${name}: ${entry} is not of the form NAME:PROTOCOL (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL), or is there twice`,
    ),
  );
}

function checkNames(config: BrokerConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const protocols = config.securityProtocolMap();
  const listeners = config.listeners();
  if (listeners.length === 0) problems.push(error("listeners", "listeners: expected at least one"));
  for (const { name } of listeners) {
    if (!protocols.has(name)) {
      problems.push(error("listeners", `listeners: ${name} has no protocol in listener.security.protocol.map`));
    }
  }
  for (const name of repeated(listeners.map(listener => listener.name))) {
    problems.push(error("listeners", `listeners: the name ${name} is there twice`));
  }
  for (const port of repeated(listeners.map(listener => listener.port))) {
    const hosts = listeners.filter(listener => listener.port === port).map(listener => listener.host);
    if (port !== 0 && !(hosts.length === 2 && isIpv4(hosts[0]!) !== isIpv4(hosts[1]!) && hosts.every(isAddress))) {
      problems.push(
        error("listeners", `listeners: port ${port} is there twice; only an IPv4 and an IPv6 address may share one`),
      );
    }
  }
  return problems;
}

function checkRoles(config: BrokerConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const controllerNames = config.controllerListenerNames;
  if (controllerNames.length === 0) {
    problems.push(error("controller.listener.names", "controller.listener.names: expected at least one name"));
  }
  if (!config.hasRole("broker")) {
    for (const { name } of config.brokerListeners()) {
      problems.push(
        error(
          "listeners",
          `listeners: ${name} is not in controller.listener.names, and a node that is only a controller has no other`,
        ),
      );
    }
  } else if (config.brokerListeners().length === 0) {
    problems.push(error("listeners", "listeners: a broker needs a listener that is not in controller.listener.names"));
  }
  if (!config.hasRole("controller")) {
    for (const { name } of config.controllerListeners()) {
      problems.push(
        error("listeners", `listeners: ${name} is a controller listener, and this node is not a controller`),
      );
    }
  }
  return problems;
}

function checkAdvertised(config: BrokerConfig): ConfigProblem[] {
  if (!config.hasRole("broker")) return [];
  const problems: ConfigProblem[] = [];
  const bound = config.listeners().map(listener => listener.name);
  const advertised: readonly ListenerAddress[] = config.advertisedListeners();
  const key = config.isSet("advertised.listeners") ? "advertised.listeners" : "listeners";
  if (advertised.length === 0) problems.push(error(key, `${key}: a broker must advertise at least one listener`));
  for (const { name, host } of advertised) {
    if (!bound.includes(name)) problems.push(error(key, `${key}: ${name} is not in listeners`));
    if (host === "0.0.0.0" || host === "::") {
      const advice = "clients cannot connect to it; set advertised.listeners to an address they reach";
      problems.push(error(key, `${key}: ${name} would be advertised as ${host}; ${advice}`));
    }
  }
  for (const name of repeated(advertised.map(listener => listener.name))) {
    problems.push(error(key, `${key}: the name ${name} is there twice`));
  }
  return problems;
}

function checkInterBroker(config: BrokerConfig): ConfigProblem[] {
  if (!config.hasRole("broker")) return [];
  const problems: ConfigProblem[] = [];
  const key = "inter.broker.listener.name";
  const name = config.interBrokerListenerName;
  const isNamed = config.get(key) !== null;
  if (isNamed && config.isSet("security.inter.broker.protocol")) {
    problems.push(error(key, `${key} and security.inter.broker.protocol: set only one of them`));
  }
  if (config.controllerListenerNames.includes(name)) {
    problems.push(error(key, `${key} = ${name}: must not be one of controller.listener.names`));
  } else if (!config.advertisedListeners().some(listener => listener.name === name)) {
    const origin = isNamed ? `${key} = ${name}` : `security.inter.broker.protocol = ${name} (no ${key} is set)`;
    problems.push(error(key, `${origin}: no advertised listener has this name; brokers could not reach each other`));
  }
  const protocol = config.securityProtocolMap().get(name) ?? "PLAINTEXT";
  const mechanism = config.get("sasl.mechanism.inter.broker.protocol");
  if (protocol.startsWith("SASL") && !config.getForListener(name, "sasl.enabled.mechanisms").includes(mechanism)) {
    const mechanismKey = "sasl.mechanism.inter.broker.protocol";
    problems.push(error(mechanismKey, `${mechanismKey} = ${mechanism}: must be one of sasl.enabled.mechanisms`));
  }
  return problems;
}

function repeated<T>(values: readonly T[]): T[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

function isIpv4(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

function isAddress(host: string): boolean {
  return isIpv4(host) || host.includes(":");
}
