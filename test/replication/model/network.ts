/**
 * Requests between the model's brokers: through the real encoding and the real Fetch and ListOffsets handlers, over connections that delay, drop and
 * die.
 */
import { Fetch } from "../../../protocol/apis/01-fetch.ts";
import {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from "../../../protocol/frame.ts";
import { Reader } from "../../../protocol/reader.ts";
import type { Api, RequestInputOf, ResponseInputOf, ResponseOf } from "../../../protocol/schema.ts";
import { fetch } from "../../../src/handlers/01-fetch.ts";
import { listOffsets } from "../../../src/handlers/02-list-offsets.ts";
import { ANONYMOUS, type BrokerServices, type ConnectionFacts, HandlerContext } from "../../../src/handlers/context.ts";
import type { Handler } from "../../../src/handlers/handler.ts";
import type { SeededRandom } from "../../../src/platform/memory.ts";
import type { Timers } from "../../../src/platform/platform.ts";
import { RpcError } from "../../../src/rpc/index.ts";

/** A process that answers requests, until it dies. */
export interface Server {
  readonly services: BrokerServices;
  readonly isAlive: boolean;
}

export interface NetworkOptions {
  readonly random: SeededRandom;
  readonly timers: Timers;
  /** Longest time of a message, in ms. */
  maxDelayMs: number;
  /** Chance that a message is lost, and its connection with it. */
  lossRate: number;
  /** The same of messages to and from the controller, which are sent again. */
  controllerLossRate: number;
  /** Whether two brokers cannot reach each other now. */
  isCut: (from: number, to: number) => boolean;
}

const RECONNECT_MS = 20;
const SILENCE_MS = 300;

/** One broker's client of another; a connection is made when wanted, and lost with any message that is. */
export class ModelClient {
  readonly #from: number;
  readonly #to: number;
  readonly #server: () => Server | null;
  readonly #network: NetworkOptions;
  #connection: ModelConnection | null = null;
  #isClosed = false;

  constructor(from: number, to: number, server: () => Server | null, network: NetworkOptions) {
    this.#from = from;
    this.#to = to;
    this.#server = server;
    this.#network = network;
  }

  request<A extends Api>(api: A, body: RequestInputOf<A>): Promise<ResponseOf<A>> {
    return new Promise((resolve, reject) => {
      const connection = this.#open();
      if (connection === null) {
        this.#network.timers.after(RECONNECT_MS, () => reject(new RpcError("connect", "no connection")));
        return;
      }
      connection.send(api, body, resolve, reject);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.die();
  }

  #open(): ModelConnection | null {
    const server = this.#server();
    if (this.#isClosed || server === null || this.#network.isCut(this.#from, this.#to)) return null;
    if (this.#connection === null || this.#connection.isDead || this.#connection.server !== server) {
      this.#connection?.die();
      this.#connection = new ModelConnection(server, this.#network, () => this.#network.isCut(this.#from, this.#to));
    }
    return this.#connection;
  }
}

interface Pending {
  readonly reject: (error: RpcError) => void;
}

/** Requests are handled in order, each when the one before it is accepted, and answered in order, as the broker's server does. */
class ModelConnection {
  readonly server: Server;
  readonly #network: NetworkOptions;
  readonly #isCut: () => boolean;
  readonly #facts: ConnectionFacts & { isClosed: boolean };
  readonly #pending = new Set<Pending>();
  isDead = false;
  #arrived: Promise<void> = Promise.resolve();
  #accepted: Promise<void> = Promise.resolve();
  #answered: Promise<void> = Promise.resolve();

  constructor(server: Server, network: NetworkOptions, isCut: () => boolean) {
    this.server = server;
    this.#network = network;
    this.#isCut = isCut;
    this.#facts = {
      id: 1,
      listenerName: "PLAINTEXT",
      listenerRole: "broker",
      securityProtocol: "PLAINTEXT",
      remoteHost: "",
      remotePort: 0,
      localHost: "",
      localPort: 0,
      principal: ANONYMOUS,
      brokerId: -1,
      isClosed: false,
      clientSoftwareName: "",
      clientSoftwareVersion: "",
      onClosed: null,
    };
  }

  send<A extends Api>(
    api: A,
    body: RequestInputOf<A>,
    resolve: (response: ResponseOf<A>) => void,
    reject: (error: RpcError) => void,
  ): void {
    const pending: Pending = { reject };
    this.#pending.add(pending);
    const version = api.versions.max;
    const frame = Buffer.concat(encodeRequest(api, version, 1, null, body)).subarray(4);
    const before = this.#answered;
    this.#arrived = Promise.all([this.#arrived, this.#travel()]).then(() => {});
    const handled = Promise.all([this.#arrived, this.#accepted]).then(() => this.#handle(api, version, frame));
    this.#accepted = handled.then(({ accepted }) => accepted);
    this.#answered = Promise.all([before, handled.then(({ response }) => response)]).then(async ([, response]) => {
      await this.#travel();
      if (this.isDead) return;
      this.#pending.delete(pending);
      resolve(decodeResponse(api, version, response).body);
    });
  }

  die(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#facts.isClosed = true;
    this.#facts.onClosed?.();
    for (const { reject } of this.#pending) reject(new RpcError("closed", "the connection was lost"));
    this.#pending.clear();
  }

  /** Resolves when a message has arrived, and never when it does not. */
  #travel(): Promise<void> {
    const { random, timers, maxDelayMs, lossRate } = this.#network;
    return new Promise(resolve => {
      if (random.float() < lossRate || this.#isCut()) {
        timers.after(SILENCE_MS, () => this.die());
        return;
      }
      timers.after(random.float() * maxDelayMs, () => {
        if (!this.server.isAlive) timers.after(RECONNECT_MS, () => this.die());
        else if (!this.isDead) resolve();
      });
    });
  }

  #handle(api: Api, version: number, frame: Buffer): { accepted: Promise<void>; response: Promise<Buffer> } {
    const reader = new Reader(frame);
    decodeRequestHeader(reader);
    const request = decodeRequest(api, version, reader);
    const facts = { apiKey: api.key, apiVersion: version, correlationId: 1, clientId: null };
    const context = new HandlerContext(this.server.services, this.#facts, facts, true);
    const handler = (api.key === Fetch.key ? fetch : listOffsets) as unknown as Handler;
    const { accepted, response } = handler.handle(request, context);
    const answered = Promise.resolve(response);
    const isSerial = handler.kind === "serial";
    return {
      accepted: isSerial ? answered.then(() => {}) : (accepted ?? Promise.resolve()),
      response: answered.then(body =>
        Buffer.concat(encodeResponse(api, version, 1, body as ResponseInputOf<Api>)).subarray(4),
      ),
    };
  }
}
