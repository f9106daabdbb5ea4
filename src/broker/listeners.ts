/** The listeners of a node: bound, and as others are told of them. */
import type { BrokerConfig } from "../config/index.ts";
import type { ListenerRole } from "../handlers/context.ts";
import { connectableHost, type RegisteredListener, registeredListener, whyNotBound } from "../server/endpoints.ts";
import type { Endpoint, Server } from "../server/server.ts";
import { BrokerStartError } from "./supported.ts";

/** Binds every listener of the configuration; nothing is read from connections yet. Rejects with {@link BrokerStartError}. */
export async function bindListeners(config: BrokerConfig, server: Server): Promise<readonly Endpoint[]> {
  for (const listener of config.listeners()) {
    const role: ListenerRole = config.controllerListenerNames.includes(listener.name) ? "controller" : "broker";
    try {
      await server.bind({
        name: listener.name,
        host: listener.host === "" ? "::" : listener.host,
        port: listener.port,
        role,
        securityProtocol: listener.protocol,
      });
    } catch (error) {
      throw new BrokerStartError(whyNotBound(listener, error), { cause: error });
    }
  }
  return server.endpoints;
}

/** What clients and other brokers are told to connect to; where the system chose a port, that one. */
export function advertisedEndpoints(config: BrokerConfig, endpoints: readonly Endpoint[]): RegisteredListener[] {
  return config.advertisedListeners().map(({ name, host, port, protocol }) => {
    const bound = endpoints.find(endpoint => endpoint.name === name);
    return registeredListener({ name, host, port: port === 0 ? (bound?.port ?? 0) : port, securityProtocol: protocol });
  });
}

/** Where other members of the quorum reach this node's controller: one that listens on every interface, by the name that clients are told. */
export function controllerEndpoints(
  config: BrokerConfig,
  endpoints: readonly Endpoint[],
): { name: string; host: string; port: number }[] {
  const [advertised] = config.advertisedListeners();
  return endpoints
    .filter(({ role }) => role === "controller")
    .map(({ name, host, port }) => ({
      name,
      host: isWildcard(host) ? connectableHost(advertised?.host ?? host) : host,
      port,
    }));
}

function isWildcard(host: string): boolean {
  return host === "::" || host === "0.0.0.0";
}
