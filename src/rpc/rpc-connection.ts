/**
 * One outbound connection that speaks Kafka's protocol.
 *
 * ```ts
 * const connection = new RpcConnection({ host, port, clientId: "broker-2" }, { platform, logger });
 * await connection.connect();
 * await connection.negotiate();
 * const metadata = await connection.request(Metadata, { topics: null, allowAutoTopicCreation: false });
 * ```
 *
 * Requests are pipelined: sent in the order they are handed over, up to `maxInFlight` without an answer, the others waiting in line.
 * Answers are matched by correlation id. A request without an answer in time closes the connection, because a broker answers in order and
 * so will not answer those behind it either; closing rejects whatever is pending. A closed connection stays closed: {@link RpcClient}
 * makes new ones.
 */
import { ApiVersions } from "../../protocol/apis/18-api-versions.ts";
import { Errors } from "../../protocol/errors.ts";
import { decodeResponse, encodeRequest } from "../../protocol/frame.ts";
import type { Api, RequestInputOf, ResponseOf, VersionRange } from "../../protocol/schema.ts";
import type { Logger } from "../logging/index.ts";
import type { Connection, ConnectionHandler, Platform, Timer } from "../platform/platform.ts";
import { type AnswerBuffers, type AnswerMemory, FRESH_MEMORY } from "./answer-memory.ts";
import {
  commonVersion,
  decodeApiVersions,
  fallbackVersion,
  type SupportedVersions,
  supportedVersions,
} from "./api-versions.ts";
import { FrameReceiver } from "./frame-receiver.ts";
import { RpcError } from "./rpc-error.ts";

export interface RpcConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string | null;
  /** From handing a request over to having its answer. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Requests sent and not answered. Default 5, as Kafka's clients. */
  readonly maxInFlight?: number;
  /** Requests waiting for their turn; one more is refused. Default 1,000. */
  readonly maxQueued?: number;
  /** Larger answers close the connection. Default 100 MiB. */
  readonly maxResponseBytes?: number;
  /** What ApiVersions tells the other side of us. Default `samsa`. */
  readonly softwareName?: string;
  readonly softwareVersion?: string;
}

export interface RpcModules {
  readonly platform: Pick<Platform, "network" | "timers">;
  readonly logger: Logger;
  /** Where large answers are received into. Fresh memory by default. */
  readonly answerBuffers?: AnswerBuffers;
}

export interface SendOptions {
  /** Is told where the answer lies, for that to be used again; without it an answer's memory is the caller's for good. */
  readonly memory?: AnswerMemory;
  /** Instead of the connection's `requestTimeoutMs`: a long poll needs more. */
  readonly timeoutMs?: number;
}

const DEFAULT_REQUEST_TIMEOUT_MS = 30_000;
const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_IN_FLIGHT = 5;
const DEFAULT_MAX_QUEUED = 1_000;
const DEFAULT_MAX_RESPONSE_BYTES = 100 * 1024 * 1024;
const MAX_CORRELATION_ID = 2 ** 31 - 1;
/** Every answer begins with its correlation id. */
const CORRELATION_ID_SIZE_BYTES = 4;

/** A request handed over and not settled. */
interface Pending {
  readonly api: Api;
  readonly version: number;
  readonly correlationId: number;
  /** The frame, until it is sent. */
  frame: Buffer[] | null;
  readonly timer: Timer;
  readonly memory: AnswerMemory | undefined;
  readonly decode: (frame: Buffer) => unknown;
  readonly resolve: (response: never) => void;
  readonly reject: (error: RpcError) => void;
}

export class RpcConnection {
  readonly #options: RpcConnectionOptions;
  readonly #modules: RpcModules;
  readonly #receiver: FrameReceiver;
  readonly #answerBuffers: AnswerBuffers;
  readonly #closeListeners: ((error: RpcError) => void)[] = [];
  readonly #inFlight = new Map<number, Pending>();
  #queue: Pending[] = [];
  #connection: Connection | null = null;
  #connecting: Promise<void> | null = null;
  #sendable = true;
  #closedBy: RpcError | null = null;
  #supported: SupportedVersions | null = null;
  #lastCorrelationId = 0;

  constructor(options: RpcConnectionOptions, modules: RpcModules) {
    this.#options = options;
    this.#modules = modules;
    this.#answerBuffers = modules.answerBuffers ?? FRESH_MEMORY;
    const maxFrameBytes = options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES;
    this.#receiver = new FrameReceiver(
      maxFrameBytes,
      (frame, buffer) => this.#receive(frame, buffer),
      this.#answerBuffers,
    );
  }

  /** `host:port`. */
  get address(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  get isConnected(): boolean {
    return this.#connection !== null && this.#closedBy === null;
  }

  /** What the other side speaks, once {@link negotiate} has asked. */
  get supportedVersions(): SupportedVersions | null {
    return this.#supported;
  }

  get pendingCount(): number {
    return this.#inFlight.size + this.#queue.length;
  }

  /** Opens the connection; at once when it is open. Rejects with {@link RpcError} `connect`, or what has closed it. */
  connect(): Promise<void> {
    if (this.#closedBy !== null) return Promise.reject(this.#closedBy);
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  /**
   * Asks which versions the other side speaks (ApiVersions, falling back to the version it names), for {@link request} and
   * {@link versionOf}.
   *
   * @throws RpcError
   */
  async negotiate(): Promise<SupportedVersions> {
    let version = ApiVersions.versions.max;
    let response = await this.#askVersions(version);
    if (response.errorCode === Errors.UNSUPPORTED_VERSION) {
      version = fallbackVersion(response);
      response = await this.#askVersions(version);
    }
    this.#supported = supportedVersions(response);
    return this.#supported;
  }

  /** The newest version of an API both sides speak, after {@link negotiate}. Throws {@link RpcError} `unsupported`. */
  versionOf(api: Api, limit?: Partial<VersionRange>): number {
    if (this.#supported === null) throw new RpcError("unsupported", "the versions were not negotiated");
    return commonVersion(api, this.#supported, limit);
  }

  /**
   * Sends a request in the given version and resolves with the decoded answer, whatever error codes that holds. The connection must have
   * been opened. Byte fields of the answer are slices of a buffer that nobody else uses, until {@link SendOptions.memory} is released.
   *
   * @throws RpcError as a rejection; what the encoder throws on a value that does not fit the schema, too
   */
  send<A extends Api>(api: A, version: number, body: RequestInputOf<A>, options?: SendOptions): Promise<ResponseOf<A>> {
    return this.#send(api, version, body, options, frame => decodeResponse(api, version, frame).body);
  }

  /** As {@link send}, in the newest version both sides speak. */
  async request<A extends Api>(api: A, body: RequestInputOf<A>, options?: SendOptions): Promise<ResponseOf<A>> {
    return this.send(api, this.versionOf(api), body, options);
  }

  /**
   * Sends a request that has no answer: Produce with acks 0. Goes out at once, ahead of what is waiting in line.
   *
   * @returns false when the owner should wait a while before it sends more
   * @throws RpcError `closed`
   */
  sendOneWay<A extends Api>(api: A, version: number, body: RequestInputOf<A>): boolean {
    const connection = this.#open();
    return connection.write(encodeRequest(api, version, this.#nextCorrelationId(), this.#options.clientId, body));
  }

  /** Calls `listener` once, when the connection has closed for whatever reason; at once if it has. */
  onClosed(listener: (error: RpcError) => void): void {
    if (this.#closedBy !== null) listener(this.#closedBy);
    else this.#closeListeners.push(listener);
  }

  /** Closes at once and rejects all that is pending. */
  close(): void {
    this.#close(new RpcError("closed", `the connection to ${this.address} was closed here`));
  }

  async #connect(): Promise<void> {
    const { host, port, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = this.#options;
    let connection: Connection;
    try {
      connection = await this.#modules.platform.network.connect(host, port, { timeoutMs: connectTimeoutMs });
    } catch (error) {
      const code = (error as { code?: string }).code ?? String(error);
      const failure = new RpcError("connect", `no connection to ${this.address}: ${code}`, { cause: error });
      this.#close(failure);
      throw failure;
    }
    if (this.#closedBy !== null) {
      connection.destroy();
      throw this.#closedBy;
    }
    this.#connection = connection;
    connection.start(this.#handler());
    this.#modules.logger.debug("rpc.connected", { address: this.address });
    this.#pump();
  }

  #handler(): ConnectionHandler {
    return {
      buffer: () => this.#receiver.buffer(),
      received: sizeBytes => this.#received(sizeBytes),
      drained: () => {
        this.#sendable = true;
        this.#pump();
      },
      closed: error =>
        this.#close(
          new RpcError("closed", `${this.address} closed the connection${error === null ? "" : `: ${error}`}`),
        ),
    };
  }

  #askVersions(version: number): Promise<ResponseOf<typeof ApiVersions>> {
    const { softwareName = "samsa", softwareVersion = "0" } = this.#options;
    const body = version >= 3 ? { clientSoftwareName: softwareName, clientSoftwareVersion: softwareVersion } : {};
    return this.#send(ApiVersions, version, body as RequestInputOf<typeof ApiVersions>, {}, frame =>
      decodeApiVersions(version, frame),
    );
  }

  #send<A extends Api>(
    api: A,
    version: number,
    body: RequestInputOf<A>,
    options: SendOptions | undefined,
    decode: (frame: Buffer) => ResponseOf<A>,
  ): Promise<ResponseOf<A>> {
    return new Promise((resolve, reject) => {
      if (this.#closedBy !== null) throw this.#closedBy;
      if (this.#queue.length >= (this.#options.maxQueued ?? DEFAULT_MAX_QUEUED)) {
        throw new RpcError("overloaded", `${this.#queue.length} requests to ${this.address} are waiting already`);
      }
      const correlationId = this.#nextCorrelationId();
      const frame = encodeRequest(api, version, correlationId, this.#options.clientId, body);
      const timeoutMs = options?.timeoutMs ?? this.#options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
      const timer = this.#modules.platform.timers.after(timeoutMs, () => this.#timedOut(pending, timeoutMs));
      const memory = options?.memory;
      const pending: Pending = { api, version, correlationId, frame, timer, memory, decode, resolve, reject };
      this.#queue.push(pending);
      this.#pump();
    });
  }

  /** Sends from the line while there is room. */
  #pump(): void {
    const maxInFlight = this.#options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT;
    while (this.#connection !== null && this.#sendable && this.#queue.length > 0 && this.#inFlight.size < maxInFlight) {
      const pending = this.#queue.shift()!;
      const frame = pending.frame!;
      pending.frame = null;
      this.#inFlight.set(pending.correlationId, pending);
      this.#sendable = this.#connection.write(frame);
    }
  }

  #received(sizeBytes: number): void {
    try {
      this.#receiver.received(sizeBytes);
    } catch (error) {
      this.#close(new RpcError("malformed", `${this.address} sent ${(error as Error).message}`, { cause: error }));
    }
  }

  /** `buffer` is what the frame lies in if that may be used again. */
  #receive(frame: Buffer, buffer: Buffer | null): void {
    // One read may hold several answers, and the first may have closed the connection.
    if (this.#closedBy !== null) return;
    const correlationId = frame.length >= CORRELATION_ID_SIZE_BYTES ? frame.readInt32BE(0) : -1;
    const pending = this.#inFlight.get(correlationId);
    if (pending === undefined)
      throw new Error(`an answer with correlation id ${correlationId}, which nobody waits for`);
    this.#inFlight.delete(correlationId);
    pending.timer.clear();
    if (buffer !== null) pending.memory?.hold(buffer, this.#answerBuffers);
    try {
      pending.resolve(pending.decode(frame) as never);
    } catch (error) {
      const what = `an answer to ${pending.api.name} version ${pending.version} that cannot be decoded`;
      pending.reject(
        new RpcError("malformed", `${this.address} sent ${what}: ${(error as Error).message}`, { cause: error }),
      );
      throw new Error(what, { cause: error });
    }
    this.#pump();
  }

  #timedOut(pending: Pending, timeoutMs: number): void {
    const error = new RpcError("timeout", `${this.address} has not answered ${pending.api.name} in ${timeoutMs} ms`);
    if (pending.frame !== null) {
      // Still in line: what is before it may yet be answered.
      this.#queue = this.#queue.filter(other => other !== pending);
      pending.reject(error);
      return;
    }
    this.#inFlight.delete(pending.correlationId);
    pending.reject(error);
    this.#close(new RpcError("closed", `the connection to ${this.address} was given up: ${error.message}`));
  }

  #close(error: RpcError): void {
    if (this.#closedBy !== null) return;
    this.#closedBy = error;
    this.#connection?.destroy();
    const pending = [...this.#inFlight.values(), ...this.#queue];
    this.#inFlight.clear();
    this.#queue = [];
    this.#modules.logger.debug("rpc.closed", {
      address: this.address,
      reason: error.message,
      pendingCount: pending.length,
    });
    for (const { timer, frame, reject } of pending) {
      timer.clear();
      // Those still in line never reached the wire, and whoever sent them may want to know.
      reject(
        frame === null || error.code === "connect" ? error : new RpcError("connect", error.message, { cause: error }),
      );
    }
    for (const listener of this.#closeListeners.splice(0)) listener(error);
  }

  #open(): Connection {
    if (this.#closedBy !== null) throw this.#closedBy;
    if (this.#connection === null) throw new RpcError("closed", `the connection to ${this.address} is not open yet`);
    return this.#connection;
  }

  #nextCorrelationId(): number {
    this.#lastCorrelationId = this.#lastCorrelationId === MAX_CORRELATION_ID ? 0 : this.#lastCorrelationId + 1;
    return this.#lastCorrelationId;
  }
}
