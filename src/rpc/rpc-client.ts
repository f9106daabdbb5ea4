/**
 * Requests to one broker over connections that come and go.
 *
 * ```ts
 * const client = new RpcClient({ host, port, clientId: "broker-2" }, { platform, logger });
 * const response = await client.request(Heartbeat, { groupId, generationId, memberId });
 * ```
 *
 * A connection is made, and versions are negotiated, when the first request wants it. After a failed attempt the next one waits, twice as
 * long after each failure up to a limit, give or take a fifth, so that brokers that lost the same peer do not come back in step. A request
 * is never sent twice: what has failed, the caller decides about, see {@link RpcError.isUnsent}. A caller that simply tries again in a
 * loop is paced by the waits.
 */
import type { Api, RequestInputOf, ResponseOf, VersionRange } from "../../protocol/schema.ts";
import type { Platform } from "../platform/platform.ts";
import { RpcConnection, type RpcConnectionOptions, type RpcModules, type SendOptions } from "./rpc-connection.ts";
import { RpcError } from "./rpc-error.ts";

export interface RpcClientOptions extends RpcConnectionOptions {
  /** The wait after the first failed attempt. Default 50, Kafka's `reconnect.backoff.ms`. */
  readonly reconnectBackoffMs?: number;
  /** The longest wait. Default 1,000, Kafka's `reconnect.backoff.max.ms`. */
  readonly reconnectBackoffMaxMs?: number;
}

export interface RpcClientModules extends RpcModules {
  readonly platform: Pick<Platform, "network" | "timers" | "random">;
  /** Told of each connection made and lost: a lost one that cannot be remade is the earliest hint that a broker is gone. */
  readonly observer?: RpcObserver;
}

export interface RpcObserver {
  connected?(): void;
  /** A connection that had been made is gone. */
  disconnected?(error: RpcError): void;
  /** An attempt failed; `failureCount` in a row. */
  connectFailed?(error: RpcError, failureCount: number): void;
}

export interface RequestOptions extends SendOptions {
  /** Narrows the versions that may be used. */
  readonly versions?: Partial<VersionRange>;
}

const DEFAULT_BACKOFF_MS = 50;
const DEFAULT_BACKOFF_MAX_MS = 1_000;
/** KIP-144: jitter of a fifth either way. */
const JITTER = 0.2;

export class RpcClient {
  readonly #options: RpcClientOptions;
  readonly #modules: RpcClientModules;
  #connection: RpcConnection | null = null;
  #ready: Promise<RpcConnection> | null = null;
  #failureCount = 0;
  #closed = false;
  /** Ends the wait before an attempt. */
  #wake: (() => void) | null = null;

  constructor(options: RpcClientOptions, modules: RpcClientModules) {
    this.#options = options;
    this.#modules = modules;
  }

  get isConnected(): boolean {
    return this.#connection?.isConnected ?? false;
  }

  /** Failed attempts since the last connection. */
  get failureCount(): number {
    return this.#failureCount;
  }

  /** Sends in the newest version both sides speak. Rejects with {@link RpcError}. */
  async request<A extends Api>(api: A, body: RequestInputOf<A>, options: RequestOptions = {}): Promise<ResponseOf<A>> {
    const connection = await this.connection();
    return connection.send(api, connection.versionOf(api, options.versions), body, options);
  }

  /** An open connection with its versions negotiated, for callers that fill a request by its version. Rejects with {@link RpcError}. */
  connection(): Promise<RpcConnection> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#ready === null) {
      const ready = this.#establish();
      this.#ready = ready;
      // The next request after a failed attempt begins another one.
      ready.catch(() => this.#forget(ready));
    }
    return this.#ready;
  }

  /** Closes the connection, rejects what is pending, and makes no new one. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
    this.#connection?.close();
  }

  async #establish(): Promise<RpcConnection> {
    if (this.#failureCount > 0) await this.#backOff();
    if (this.#closed) throw closedError();
    const connection = new RpcConnection(this.#options, this.#modules);
    this.#connection = connection;
    try {
      await connection.connect();
      await connection.negotiate();
    } catch (error) {
      connection.close();
      const failure = asRpcError(error, connection.address);
      this.#failureCount++;
      this.#modules.logger.debug("rpc.connect-failed", {
        address: connection.address,
        failureCount: this.#failureCount,
        error: failure,
      });
      if (!this.#closed) this.#modules.observer?.connectFailed?.(failure, this.#failureCount);
      throw failure;
    }
    this.#failureCount = 0;
    const ready = this.#ready;
    this.#modules.observer?.connected?.();
    connection.onClosed(error => {
      this.#forget(ready);
      if (!this.#closed) this.#modules.observer?.disconnected?.(error);
    });
    return connection;
  }

  #forget(ready: Promise<RpcConnection> | null): void {
    if (this.#ready === ready) this.#ready = null;
  }

  #backOff(): Promise<void> {
    const { reconnectBackoffMs = DEFAULT_BACKOFF_MS, reconnectBackoffMaxMs = DEFAULT_BACKOFF_MAX_MS } = this.#options;
    const { random, timers } = this.#modules.platform;
    const plainMs = Math.min(reconnectBackoffMs * 2 ** (this.#failureCount - 1), reconnectBackoffMaxMs);
    const delayMs = plainMs * (1 - JITTER + 2 * JITTER * random.float());
    return new Promise(resolve => {
      const timer = timers.after(delayMs, resolve);
      this.#wake = () => {
        timer.clear();
        resolve();
      };
    });
  }
}

function closedError(): RpcError {
  return new RpcError("connect", "the client was closed");
}

/** What fails before a connection is of use is a failed attempt, whatever it was. */
function asRpcError(error: unknown, address: string): RpcError {
  if (error instanceof RpcError && error.code === "connect") return error;
  return new RpcError("connect", `no usable connection to ${address}: ${(error as Error).message}`, { cause: error });
}
