/** Listener texts such as `PLAINTEXT://127.0.0.1:9092`, and the security protocol behind each name. */
export type SecurityProtocol = "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL";

export const securityProtocols: readonly SecurityProtocol[] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

export interface ListenerAddress {
  /** Upper case. */
  readonly name: string;
  /** A name or an address without brackets; empty means every interface. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface ListenerConfig extends ListenerAddress {
  readonly protocol: SecurityProtocol;
}

/** Reads `NAME://host:port`; the host may be empty or an IPv6 address in brackets. Null when it is not one. */
export function parseListener(text: string): ListenerAddress | null {
  const match = /^([^:/\s]+):\/\/(?:\[([0-9a-fA-F:.%]+)\]|([^:/[\]\s]*)):(\d{1,5})$/.exec(text.trim());
  if (!match || Number(match[4]) > 65_535) return null;
  return { name: match[1]!.toUpperCase(), host: match[2] ?? match[3]!, port: Number(match[4]) };
}

/** The inverse of {@link parseListener}. */
export function formatListener({ name, host, port }: ListenerAddress): string {
  return `${name}://${formatAddress(host, port)}`;
}

/** `host:port`, an IPv6 address in brackets. */
export function formatAddress(host: string, port: number): string {
  return `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}

/** Reads `NAME:PROTOCOL,NAME:PROTOCOL`. Entries that are not of this form are left out and named in `malformed`. */
export function parseProtocolMap(text: string): { protocols: Map<string, SecurityProtocol>; malformed: string[] } {
  const protocols = new Map<string, SecurityProtocol>();
  const malformed: string[] = [];
  for (const entry of text.split(",").map(part => part.trim())) {
    if (entry === "") continue;
    const [name, protocol, ...rest] = entry.split(":").map(part => part.trim().toUpperCase());
    const known = securityProtocols.find(candidate => candidate === protocol);
    if (!name || !known || rest.length > 0 || protocols.has(name)) malformed.push(entry);
    else protocols.set(name, known);
  }
  return { protocols, malformed };
}
