/** The entries of `samsa.peers`: nodes of a cluster by their client ports. */
import type { Validator } from "./validators.ts";

export interface Peer {
  /** Null where the entry does not say. */
  readonly id: number | null;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Reads `[id@]host:port`; null when it is none. */
export function parsePeer(text: string): Peer | null {
  const match = /^(?:(\d{1,10})@)?(?:\[([0-9a-fA-F:.%]+)\]|([^:@/[\]\s]+)):(\d{1,5})$/.exec(text.trim());
  if (match === null) return null;
  const [, id, address, name, port] = match;
  const isInRange = Number(port) >= 1 && Number(port) <= 65_535 && Number(id ?? 0) <= 0x7fff_ffff;
  return isInRange ? { id: id === undefined ? null : Number(id), host: (address ?? name)!, port: Number(port) } : null;
}

/** Entries that are none are left out; validation has refused them before. */
export function parsePeers(entries: readonly string[]): Peer[] {
  return entries.map(parsePeer).filter(peer => peer !== null);
}

export const peerList: Validator = {
  notation: "",
  expected: "entries of the form host:port or id@host:port",
  accepts: value => (value as readonly string[]).every(entry => parsePeer(entry) !== null),
};
