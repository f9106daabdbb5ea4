/** The nodes that a new node asks for its cluster, from its configuration. */
import type { BrokerConfig } from "../../config/index.ts";
import { parsePeers } from "../../config/peers.ts";
import { parseBootstrapServers, parseStaticVoters } from "../../raft/voter-set.ts";
import type { Endpoint } from "../../server/server.ts";

export interface PeerAddress {
  /** Null when the configuration does not say. */
  readonly id: number | null;
  readonly host: string;
  readonly port: number;
}

export interface Peers {
  readonly addresses: readonly PeerAddress[];
  /** Whether they may found a cluster together; else they are asked for one that is there. */
  readonly mayFound: boolean;
  readonly hasStaticVoters: boolean;
}

/** Null when this node is told of no others: it is a cluster of its own. `endpoints` are the node's own. */
export function configuredPeers(config: BrokerConfig, endpoints: readonly Endpoint[]): Peers | null {
  const isOwn = ({ host, port }: { host: string; port: number }) =>
    endpoints.some(
      own => own.port === port && (own.host === host || (isOnThisMachine(own.host) && isOnThisMachine(host))),
    );
  const voters = parseStaticVoters(config.get("controller.quorum.voters"));
  const others = voters.filter(({ id }) => id !== config.nodeId);
  if (voters.length > 0) {
    return others.length === 0 ? null : { addresses: others, mayFound: true, hasStaticVoters: true };
  }
  const peers = parsePeers(config.get("samsa.peers"));
  if (peers.length > 0) {
    const addresses = peers.filter(peer => peer.id !== config.nodeId && !isOwn(peer));
    return addresses.length === 0 ? null : { addresses, mayFound: true, hasStaticVoters: false };
  }
  const servers = parseBootstrapServers(config.get("controller.quorum.bootstrap.servers")).filter(one => !isOwn(one));
  if (servers.length === 0) return null;
  return { addresses: servers.map(server => ({ id: null, ...server })), mayFound: false, hasStaticVoters: false };
}

/** Names of this machine for itself; what listens on every interface does so on those, too. */
function isOnThisMachine(host: string): boolean {
  return ["localhost", "127.0.0.1", "::1", "::", "0.0.0.0"].includes(host);
}
