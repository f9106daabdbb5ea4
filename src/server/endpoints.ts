/** Endpoints in words and as the metadata has them. */
import type { ListenerConfig, SecurityProtocol } from "../config/index.ts";

const SECURITY_PROTOCOL_IDS: Readonly<Record<SecurityProtocol, number>> = {
  PLAINTEXT: 0,
  SSL: 1,
  SASL_PLAINTEXT: 2,
  SASL_SSL: 3,
};

/** A listener as registrations name it. */
export interface RegisteredListener {
  name: string;
  host: string;
  port: number;
  securityProtocol: number;
}

export function registeredListener(endpoint: {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: string;
}): RegisteredListener {
  const { name, host, port } = endpoint;
  const securityProtocol = SECURITY_PROTOCOL_IDS[endpoint.securityProtocol as SecurityProtocol];
  return { name, host, port, securityProtocol };
}

/** A host that a client on this machine can connect to, for one that stands for every interface. */
export function connectableHost(host: string): string {
  return host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host;
}

/** What kept a listener from being bound, for its operator. */
export function whyNotBound({ name, host, port }: ListenerConfig, error: unknown): string {
  const where = `${host === "" ? "every interface" : host}, port ${port}`;
  switch (systemCodeOf(error)) {
    case "EADDRINUSE":
      return `listener ${name}: ${where} is in use by another process`;
    case "EACCES":
      return `listener ${name}: no permission to listen on ${where}`;
    case "EADDRNOTAVAIL":
      return `listener ${name}: this machine has no address ${host}`;
    default:
      return `listener ${name} cannot be bound to ${where}: ${systemCodeOf(error)}`;
  }
}

/** The system's code of an error (`EADDRINUSE`), or what it says where it has none. */
export function systemCodeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as Error & { code?: string }).code ?? error.message;
}
