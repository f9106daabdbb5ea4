/**
 * TCP by `node:net`.
 *
 * Connections read straight into the owner's buffers where Node can (always for opened ones, see `node-accept.ts` for accepted ones) and
 * send what they are given as one `writev` without Nagle's delay: merging replies is the owner's business.
 */
import net from "node:net";
import { rewrapAccepted } from "./node-accept.ts";
import { NodeConnection, type Reception } from "./node-connection.ts";
import type { Connection, Listener, ListenOptions, Network } from "./platform.ts";

export interface NodeNetworkOptions {
  /** Read accepted connections straight into the owner's buffers, where this Node can. Default true. */
  readonly directReads?: boolean;
  /** After {@link Connection.end} has sent everything, how long to wait for the other side's close. Default 1,000. */
  readonly lingerMs?: number;
}

const DEFAULT_BACKLOG = 511;
const DEFAULT_LINGER_MS = 1_000;

export class NodeNetwork implements Network {
  readonly #directReads: boolean;
  readonly #lingerMs: number;

  constructor(options: NodeNetworkOptions = {}) {
    this.#directReads = options.directReads ?? true;
    this.#lingerMs = options.lingerMs ?? DEFAULT_LINGER_MS;
  }

  listen(options: ListenOptions, onConnection: (connection: Connection) => void): Promise<Listener> {
    const server = net.createServer({ pauseOnConnect: true, noDelay: true });
    server.on("connection", accepted => {
      const connection = this.#accept(accepted);
      if (connection !== null) onConnection(connection);
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: options.host, port: options.port, backlog: options.backlog ?? DEFAULT_BACKLOG }, () => {
        server.off("error", reject);
        // A failing accept (out of file descriptors) concerns that connection only; the next ones may succeed.
        server.on("error", () => {});
        resolve(listenerOf(server));
      });
    });
  }

  connect(host: string, port: number, options: { timeoutMs?: number } = {}): Promise<Connection> {
    const reception: Reception = { connection: null };
    const socket = net.connect({ host, port, noDelay: true, onread: onreadOf(reception) });
    socket.pause();
    return new Promise((resolve, reject) => {
      const timeout =
        options.timeoutMs === undefined ? undefined : setTimeout(() => fail(timedOut(host, port)), options.timeoutMs);
      const fail = (error: Error): void => {
        clearTimeout(timeout);
        // Destroyed sockets may still report; nobody listens any more.
        socket.removeAllListeners().on("error", () => {});
        socket.destroy();
        reject(error);
      };
      socket.once("error", fail);
      socket.once("connect", () => {
        clearTimeout(timeout);
        socket.off("error", fail);
        resolve(new NodeConnection(socket, reception, this.#lingerMs));
      });
    });
  }

  /** Null when the other side was gone before we got to it. */
  #accept(accepted: net.Socket): Connection | null {
    // The address is asked for while the socket is surely open: afterwards Node answers undefined.
    if (accepted.remoteAddress === undefined) {
      accepted.destroy();
      return null;
    }
    const reception: Reception = { connection: null };
    const socket = this.#directReads ? rewrapAccepted(accepted, onreadOf(reception)) : null;
    if (socket !== null) return new NodeConnection(socket, reception, this.#lingerMs);
    return new NodeConnection(accepted, null, this.#lingerMs);
  }
}

/** Reads go to the connection once it exists; the socket wants its first buffer before that. */
function onreadOf(reception: Reception): net.OnReadOpts {
  return {
    buffer: () => NodeConnection.nextBuffer(reception),
    callback: (sizeBytes, buffer) => {
      reception.connection?.received(sizeBytes, buffer);
      return true;
    },
  };
}

function listenerOf(server: net.Server): Listener {
  const address = server.address() as net.AddressInfo;
  return {
    host: address.address,
    port: address.port,
    close: () =>
      new Promise(resolve => {
        // The port is free as soon as `close` returns; its callback would wait for every accepted connection.
        server.close();
        setImmediate(resolve);
      }),
  };
}

function timedOut(host: string, port: number): Error {
  return Object.assign(new Error(`connect ETIMEDOUT ${host}:${port}`), { code: "ETIMEDOUT" });
}
