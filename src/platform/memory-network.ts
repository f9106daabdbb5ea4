/**
 * A network in memory: hosts, links between them, and what goes wrong on links.
 *
 * ```ts
 * const fabric = new MemoryFabric({ delayMs: () => 1 + random.float() }, { timers: time });
 * const listener = await fabric.host("a").listen({ host: "0.0.0.0", port: 9092 }, accept);
 * const connection = await fabric.host("b").connect("a", 9092);
 * fabric.partition("a", "b");         // bytes are held back, as TCP holds them, until `heal`
 * fabric.crash("a");                  // its connections are reset, its listeners gone
 * ```
 *
 * TCP neither loses nor reorders within a connection, and so does not this. Lost packets show as delay, a lost host as a reset or, with
 * `silent`, as nothing at all.
 */
import { MemoryConnection } from "./memory-connection.ts";
import type { Connection, Listener, ListenOptions, Network, Timers } from "./platform.ts";

export interface MemoryFabricOptions {
  /** One way's delay between two hosts. Default 0. */
  readonly delayMs?: (from: string, to: string) => number;
  /** What the kernels of a connection hold in each direction before a writer's bytes count as unsent. Default 256 KiB. */
  readonly bufferBytes?: number;
  /** After `end` has sent everything, how long to wait for the other side's close. Default 1,000. */
  readonly lingerMs?: number;
}

export interface MemoryFabricModules {
  readonly timers: Pick<Timers, "after">;
}

interface MemoryListener {
  readonly hostName: string;
  readonly host: string;
  readonly port: number;
  readonly onConnection: (connection: Connection) => void;
}

const FIRST_EPHEMERAL_PORT = 32_768;
const DEFAULT_BUFFER_BYTES = 256 * 1024;
const DEFAULT_LINGER_MS = 1_000;
/** As long as Linux tries: a connection to a silent host fails after about two minutes. */
const DEFAULT_CONNECT_TIMEOUT_MS = 127_000;
const LOOPBACK = new Set(["127.0.0.1", "localhost", "::1"]);

export class MemoryFabric {
  readonly #options: MemoryFabricOptions;
  readonly #timers: Pick<Timers, "after">;
  readonly #hosts = new Set<string>();
  readonly #listeners = new Set<MemoryListener>();
  readonly #connections = new Set<MemoryConnection>();
  /** `from to` of the ways that carry nothing at present. */
  readonly #blocked = new Set<string>();
  #stalled: { from: string; to: string; deliver: () => void }[] = [];
  #nextPort = FIRST_EPHEMERAL_PORT;

  constructor(options: MemoryFabricOptions, modules: MemoryFabricModules) {
    this.#options = options;
    this.#timers = modules.timers;
  }

  /** The network as a machine of this name sees it; others reach it under the name, itself also as 127.0.0.1. */
  host(name: string): Network {
    this.#hosts.add(name);
    return {
      listen: (options, onConnection) => this.#listen(name, options, onConnection),
      connect: (host, port, options) =>
        this.#connect(name, host, port, options?.timeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS),
    };
  }

  /** Holds back everything between two hosts, or only what `from` sends to `to`. */
  partition(from: string, to: string, options: { oneWay?: boolean } = {}): void {
    this.#blocked.add(wayOf(from, to));
    if (!(options.oneWay ?? false)) this.#blocked.add(wayOf(to, from));
  }

  /** Lets bytes through again: between two hosts both ways, or everywhere. What was held back arrives in order. */
  heal(a?: string, b?: string): void {
    if (a === undefined || b === undefined) {
      this.#blocked.clear();
    } else {
      this.#blocked.delete(wayOf(a, b));
      this.#blocked.delete(wayOf(b, a));
    }
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const { from, to, deliver } of stalled) this.#send(from, to, deliver);
  }

  /**
   * A host's process is gone: nobody there hears of anything any more. Others see its connections reset, or with `silent`, as when the
   * machine loses power, nothing.
   */
  crash(name: string, options: { silent?: boolean } = {}): void {
    for (const listener of [...this.#listeners]) if (listener.hostName === name) this.#listeners.delete(listener);
    for (const connection of [...this.#connections]) {
      if (connection.hostName === name) connection.abandon(options.silent ?? false);
    }
  }

  /** Resets all connections between two hosts, as a middlebox does. */
  reset(a: string, b: string): void {
    for (const connection of [...this.#connections]) {
      const { hostName, peerName } = connection;
      if ((hostName === a && peerName === b) || (hostName === b && peerName === a)) connection.reset();
    }
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  async #listen(
    hostName: string,
    options: ListenOptions,
    onConnection: (connection: Connection) => void,
  ): Promise<Listener> {
    const port = options.port === 0 ? this.#freePort() : options.port;
    if (this.#find(hostName, port) !== undefined) {
      throw networkError("EADDRINUSE", `listen EADDRINUSE ${options.host}:${port}`);
    }
    const listener: MemoryListener = { hostName, host: options.host, port, onConnection };
    this.#listeners.add(listener);
    return {
      host: options.host,
      port,
      close: async () => {
        this.#listeners.delete(listener);
      },
    };
  }

  #connect(from: string, host: string, port: number, timeoutMs: number): Promise<Connection> {
    const loopback = LOOPBACK.has(host);
    const to = loopback ? from : host;
    if (!this.#hosts.has(to)) {
      return Promise.reject(networkError("ENOTFOUND", `getaddrinfo ENOTFOUND ${host}`));
    }
    return new Promise((resolve, reject) => {
      const timeout = this.#timers.after(timeoutMs, () =>
        reject(networkError("ETIMEDOUT", `connect ETIMEDOUT ${host}:${port}`)),
      );
      this.#send(from, to, () => {
        const listener = this.#find(to, port);
        if (listener === undefined || (!loopback && to !== from && LOOPBACK.has(listener.host))) {
          this.#send(to, from, () => {
            timeout.clear();
            reject(networkError("ECONNREFUSED", `connect ECONNREFUSED ${host}:${port}`));
          });
          return;
        }
        const { client, server } = this.#pair(from, to, loopback, port);
        this.#send(to, from, () => {
          timeout.clear();
          resolve(client);
        });
        listener.onConnection(server);
      });
    });
  }

  #pair(
    from: string,
    to: string,
    loopback: boolean,
    port: number,
  ): { client: MemoryConnection; server: MemoryConnection } {
    const clientPort = this.#freePort();
    const clientHost = loopback ? "127.0.0.1" : from;
    const serverHost = loopback ? "127.0.0.1" : to;
    const create = (
      names: { hostName: string; peerName: string },
      addresses: Pick<Connection, "localHost" | "localPort" | "remoteHost" | "remotePort">,
    ): MemoryConnection => {
      const connection: MemoryConnection = new MemoryConnection(
        {
          ...names,
          ...addresses,
          bufferBytes: this.#options.bufferBytes ?? DEFAULT_BUFFER_BYTES,
          lingerMs: this.#options.lingerMs ?? DEFAULT_LINGER_MS,
        },
        {
          timers: this.#timers,
          send: deliver => this.#send(names.hostName, names.peerName, deliver),
          gone: () => this.#connections.delete(connection),
        },
      );
      this.#connections.add(connection);
      return connection;
    };
    const client = create(
      { hostName: from, peerName: to },
      { localHost: clientHost, localPort: clientPort, remoteHost: serverHost, remotePort: port },
    );
    const server = create(
      { hostName: to, peerName: from },
      { localHost: serverHost, localPort: port, remoteHost: clientHost, remotePort: clientPort },
    );
    client.pairWith(server);
    server.pairWith(client);
    return { client, server };
  }

  /** Calls `deliver` at `to` after the way's delay, and not while the way is blocked. */
  #send(from: string, to: string, deliver: () => void): void {
    this.#timers.after(this.#options.delayMs?.(from, to) ?? 0, () => {
      if (this.#blocked.size > 0 && this.#blocked.has(wayOf(from, to))) this.#stalled.push({ from, to, deliver });
      else deliver();
    });
  }

  #find(hostName: string, port: number): MemoryListener | undefined {
    for (const listener of this.#listeners)
      if (listener.hostName === hostName && listener.port === port) return listener;
    return undefined;
  }

  #freePort(): number {
    const port = this.#nextPort++;
    if (this.#nextPort > 65_535) this.#nextPort = FIRST_EPHEMERAL_PORT;
    return port;
  }
}

function wayOf(from: string, to: string): string {
  return `${from} ${to}`;
}

function networkError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
