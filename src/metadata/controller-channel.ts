/**
 * A broker's own requests to the active controller, wherever that is: in this process, or behind another node's controller listener.
 *
 * ```ts
 * const channel = new QuorumChannel(options, { quorum: raftDriver, controller, connect, clock, timers, logger });
 * const { brokerEpoch } = await channel.request(BrokerRegistration, registration, { timeoutMs: 10_000 });
 * ```
 *
 * A request goes to whoever leads the quorum as far as this node knows, and again to the next when that one leads no more, or cannot be reached, or
 * was lost over the request. As in Kafka, it may so be carried out twice: what brokers ask of the controller is safe to repeat, because each request
 * names the epoch it builds upon. Waits end when the leader changes or the controller in this process becomes active; only a lost connection is
 * tried again by time.
 */
import { Envelope } from "../../protocol/apis/58-envelope.ts";
import { decoderOf, encoderOf } from "../../protocol/compile.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { Reader } from "../../protocol/reader.ts";
import type {
  Api,
  InputOf,
  Message,
  RequestInputOf,
  RequestOf,
  ResponseOf,
  VersionRange,
} from "../../protocol/schema.ts";
import { Writer } from "../../protocol/writer.ts";
import type { Logger } from "../logging/logger.ts";
import type { Clock, Timers } from "../platform/platform.ts";
import type { LeaderAndEpoch } from "../raft/replicated-log.ts";
import { type RequestOptions, type RpcClient, RpcError } from "../rpc/index.ts";
import type { Controller } from "./controller/controller.ts";
import { type ControllerApi, controllerApi } from "./controller-apis.ts";

export interface ChannelRequestOptions {
  /** How long the request may take, attempts and waits together. */
  readonly timeoutMs: number;
  /** Narrows the versions that may be used. */
  readonly versions?: Partial<VersionRange>;
}

/** A broker's own requests to the active controller, wherever that is. */
export interface ControllerChannel {
  /**
   * Resolves with what the active controller answered; an error of the whole request is in the answer. Rejects with `ApiError` REQUEST_TIMED_OUT when no
   * active controller was found or answered in time, and NOT_CONTROLLER once the channel is closed.
   */
  request<A extends Api>(api: A, body: RequestInputOf<A>, options: ChannelRequestOptions): Promise<ResponseOf<A>>;
}

/** Who leads the quorum, and where that node's controller listens. */
export interface QuorumView {
  readonly nodeId: number;
  readonly leaderAndEpoch: LeaderAndEpoch;
  addressOf(nodeId: number): { readonly host: string; readonly port: number } | null;
  /** Calls `listener` whenever the leader known here changes. Returns the end of it. */
  onLeaderChanged(listener: (leader: LeaderAndEpoch) => void): () => void;
}

export interface ControllerChannelModules {
  readonly quorum: QuorumView;
  /** The controller in this process; null on a node without that role. */
  readonly controller: Controller | null;
  /** Runs a forwarded request in this process. */
  readonly runEnvelope: (request: RequestOf<typeof Envelope>) => Promise<ResponseOf<typeof Envelope>>;
  /** Makes a client for a controller listener; it connects when first used. */
  readonly connect: (address: { readonly host: string; readonly port: number }) => Pick<RpcClient, "request" | "close">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** The pause after a connection was lost or an answer said to look elsewhere, unless news of the leader ends it. */
const RETRY_BACKOFF_MS = 50;

/** How long a leader that is none any more may take for the answers it owes. */
const LAST_ANSWER_MS = 200;

/** A connection to the leader of one epoch. */
interface Remote {
  readonly nodeId: number;
  readonly address: string;
  readonly client: Pick<RpcClient, "request" | "close">;
}

export class QuorumChannel implements ControllerChannel {
  readonly #modules: ControllerChannelModules;
  /** Forwarded requests of clients, whose answers are within. */
  readonly #envelope: ControllerApi<typeof Envelope>;
  readonly #unsubscribes: (() => void)[] = [];
  readonly #waiting = new Set<() => void>();
  #remote: Remote | null = null;
  /** Connections to leaders of before, for answers that are under way. */
  readonly #retired = new Set<Remote>();
  #isClosed = false;

  constructor(modules: ControllerChannelModules) {
    this.#modules = modules;
    const { quorum, controller } = modules;
    this.#envelope = {
      api: Envelope,
      handle: (_controller, request) => modules.runEnvelope(request),
      failed: (_request, errorCode) => ({ responseData: null, errorCode }),
      errorCodeOf: ({ errorCode }) => errorCode,
    };
    this.#unsubscribes.push(quorum.onLeaderChanged(() => this.#leaderChanged()));
    if (controller !== null) this.#unsubscribes.push(controller.onActive(() => this.#wake()));
  }

  async request<A extends Api>(
    api: A,
    body: RequestInputOf<A>,
    { timeoutMs, versions }: ChannelRequestOptions,
  ): Promise<ResponseOf<A>> {
    const { clock } = this.#modules;
    const deadlineMs = clock.monotonic() + timeoutMs;
    for (;;) {
      if (this.#isClosed) throw new ApiError(Errors.NOT_CONTROLLER, "this node stops");
      const remainingMs = deadlineMs - clock.monotonic();
      if (remainingMs <= 0) throw timedOut(api, timeoutMs);
      const attempt = this.#attempt(api, body, remainingMs, versions);
      if (attempt === null) {
        await this.#news(remainingMs);
        continue;
      }
      const response = await this.#within(remainingMs, attempt);
      if (response !== null) return response;
      await this.#news(Math.min(RETRY_BACKOFF_MS, deadlineMs - clock.monotonic()));
    }
  }

  /** Requests under way are rejected. */
  close(): void {
    this.#isClosed = true;
    for (const unsubscribe of this.#unsubscribes.splice(0)) unsubscribe();
    this.#disconnect();
    for (const remote of [...this.#retired]) this.#close(remote);
    this.#wake();
  }

  /** Null when there is nobody to ask; resolves with null when another attempt is to be made. */
  #attempt<A extends Api>(
    api: A,
    body: RequestInputOf<A>,
    timeoutMs: number,
    versions: Partial<VersionRange> | undefined,
  ): Promise<ResponseOf<A> | null> | null {
    const { quorum, controller } = this.#modules;
    const { leaderId } = quorum.leaderAndEpoch;
    if (leaderId === quorum.nodeId) return controller?.isActive === true ? this.#ask(controller, api, body) : null;
    const client = this.#clientOf(leaderId);
    if (client === null) return null;
    return this.#send(client, api, body, { timeoutMs, ...(versions === undefined ? {} : { versions }) });
  }

  /** Asks the controller in this process, by what the request would be once it had gone over the wire. */
  async #ask<A extends Api>(controller: Controller, api: A, body: RequestInputOf<A>): Promise<ResponseOf<A> | null> {
    const { handle, failed, errorCodeOf } = this.#rowOf(api);
    const request = decoded(api, body);
    try {
      const response = await handle(controller, request);
      return errorCodeOf(response) === Errors.NOT_CONTROLLER ? null : response;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return error.code === Errors.NOT_CONTROLLER ? null : failed(request, error.code, error.message);
    }
  }

  async #send<A extends Api>(
    client: Remote["client"],
    api: A,
    body: RequestInputOf<A>,
    options: RequestOptions,
  ): Promise<ResponseOf<A> | null> {
    try {
      const response = await client.request(api, body, options);
      return this.#rowOf(api).errorCodeOf(response) === Errors.NOT_CONTROLLER ? null : response;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      if (error.code === "unsupported") throw new ApiError(Errors.UNSUPPORTED_VERSION, error.message);
      this.#modules.logger.debug("controller-channel.lost", { api: api.name, error: error.message });
      return null;
    }
  }

  #rowOf<A extends Api>(api: A): ControllerApi<A> {
    return api.key === Envelope.key ? (this.#envelope as unknown as ControllerApi<A>) : controllerApi(api);
  }

  #clientOf(leaderId: number): Remote["client"] | null {
    const found = leaderId < 0 ? null : this.#modules.quorum.addressOf(leaderId);
    if (found === null) return null;
    const address = `${found.host}:${found.port}`;
    if (this.#remote?.nodeId !== leaderId || this.#remote.address !== address) {
      this.#disconnect();
      this.#remote = { nodeId: leaderId, address, client: this.#modules.connect(found) };
    }
    return this.#remote.client;
  }

  /** Whoever waits for an answer of the last leader gets it soon, since that may have sent it before it went; or from the next one. */
  #leaderChanged(): void {
    const { leaderId } = this.#modules.quorum.leaderAndEpoch;
    const remote = this.#remote;
    if (remote !== null && leaderId !== remote.nodeId) {
      this.#remote = null;
      this.#retired.add(remote);
      this.#modules.timers.after(LAST_ANSWER_MS, () => this.#close(remote));
    }
    this.#wake();
  }

  #close(remote: Remote): void {
    if (this.#retired.delete(remote)) remote.client.close();
  }

  #disconnect(): void {
    const remote = this.#remote;
    this.#remote = null;
    remote?.client.close();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves when something is known that was not, or the time is up. */
  #news(timeoutMs: number): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        timer.clear();
        this.#waiting.delete(done);
        resolve();
      };
      const timer = this.#modules.timers.after(Math.max(0, timeoutMs), done);
      this.#waiting.add(done);
    });
  }

  /** Null when the time is up; the request may still be carried out. */
  #within<R>(timeoutMs: number, attempt: Promise<R | null>): Promise<R | null> {
    return new Promise((resolve, reject) => {
      const timer = this.#modules.timers.after(timeoutMs, () => resolve(null));
      attempt.then(resolve, reject).finally(() => timer.clear());
    });
  }
}

function timedOut(api: Api, timeoutMs: number): ApiError {
  return new ApiError(Errors.REQUEST_TIMED_OUT, `no active controller answered ${api.name} in ${timeoutMs} ms`);
}

/** A request with all its fields, defaults included. */
function decoded<A extends Api>(api: A, body: RequestInputOf<A>): RequestOf<A> {
  const version = api.versions.max;
  const writer = new Writer();
  encoderOf<Message>(api.request, version)(writer, body as InputOf<Message>);
  return decoderOf<Message>(api.request, version)(new Reader(Buffer.concat(writer.finish()))) as RequestOf<A>;
}
