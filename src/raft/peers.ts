/**
 * Where the other members of the quorum are, and the connections to them. Two for each: a fetch may wait at the leader, and votes must not wait
 * behind it.
 */
import type { Api, RequestInputOf, ResponseOf, VersionRange } from "../../protocol/schema.ts";

/**
 * Requests to one address, over a connection that is made when wanted and made again when lost. Rejects with an error whose `code` is `connect` when
 * there is no connection to be had, `closed` or `timeout` when one was lost over the request, and another text when the request could not be sent
 * or its answer not be read. `rpc/` has it.
 */
export interface PeerClient {
  request<A extends Api>(
    api: A,
    body: RequestInputOf<A>,
    options?: { readonly timeoutMs?: number; readonly versions?: Partial<VersionRange> },
  ): Promise<ResponseOf<A>>;
  /** Makes the connection before it is wanted; rejects as {@link request} does. */
  connection(): Promise<unknown>;
  close(): void;
}

export interface PeerClientOptions extends Address {
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly reconnectBackoffMs: number;
  readonly reconnectBackoffMaxMs: number;
}

export type ConnectToPeer = (options: PeerClientOptions) => PeerClient;

/** Fails as no answer does; `code` as in {@link PeerClient}. */
export class PeerError extends Error {
  override readonly name = "PeerError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface PeersOptions {
  readonly clientId: string;
  /** Asked for the leader when no voter is known. */
  readonly bootstrapServers: readonly Address[];
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
}

export type Purpose = "fetch" | "control";

const PURPOSES: readonly Purpose[] = ["fetch", "control"];

interface Peer {
  readonly address: Address;
  readonly clients: Map<Purpose, PeerClient>;
}

/** Longest wait between attempts to connect; short, because a peer that comes back may decide an election. */
const RECONNECT_BACKOFF_MAX_MS = 200;

export class Peers {
  readonly #options: PeersOptions;
  readonly #connect: ConnectToPeer;
  readonly #addresses = new Map<number, Address>();
  readonly #peers = new Map<string, Peer>();
  #nextBootstrap = 0;

  constructor(options: PeersOptions, modules: { connect: ConnectToPeer }) {
    this.#options = options;
    this.#connect = modules.connect;
  }

  /** Notes where a node is; what was said last counts. */
  learn(nodeId: number, { host, port }: Address): void {
    if (host !== "" && port > 0) this.#addresses.set(nodeId, { host, port });
  }

  addressOf(nodeId: number): Address | null {
    return this.#addresses.get(nodeId) ?? null;
  }

  /** A client for a node, or for the next bootstrap server when `nodeId` is -1; null when nobody knows where that is. */
  client(nodeId: number, purpose: Purpose): PeerClient | null {
    const address = nodeId >= 0 ? this.#addresses.get(nodeId) : this.#bootstrapServer();
    if (address === undefined) return null;
    const name = `${nodeId} ${address.host}:${address.port}`;
    let peer = this.#peers.get(name);
    if (peer === undefined) {
      if (nodeId >= 0) this.#drop(`${nodeId} `);
      peer = { address, clients: new Map() };
      this.#peers.set(name, peer);
    }
    let client = peer.clients.get(purpose);
    if (client === undefined) {
      client = this.#connectTo(address);
      peer.clients.set(purpose, client);
    }
    return client;
  }

  /** Has both connections to a node made, for it to be heard at once when it matters. */
  prepare(nodeId: number): void {
    // Whoever cannot be reached is noticed when something is to be said.
    for (const purpose of PURPOSES)
      this.client(nodeId, purpose)
        ?.connection()
        .catch(() => {});
  }

  close(): void {
    this.#drop("");
  }

  #bootstrapServer(): Address | undefined {
    const { bootstrapServers } = this.#options;
    return bootstrapServers[this.#nextBootstrap++ % Math.max(1, bootstrapServers.length)];
  }

  #drop(prefix: string): void {
    for (const [name, peer] of this.#peers) {
      if (!name.startsWith(prefix)) continue;
      this.#peers.delete(name);
      for (const client of peer.clients.values()) client.close();
    }
  }

  #connectTo({ host, port }: Address): PeerClient {
    const { clientId, requestTimeoutMs, retryBackoffMs } = this.#options;
    return this.#connect({
      host,
      port,
      clientId,
      requestTimeoutMs,
      connectTimeoutMs: requestTimeoutMs,
      reconnectBackoffMs: retryBackoffMs,
      reconnectBackoffMaxMs: RECONNECT_BACKOFF_MAX_MS,
    });
  }
}
