/**
 * From a frame to its reply: decodes the header, finds the handler, decodes the body, runs the handler, and encodes what it answers.
 *
 * What is served is what has a handler, in the versions Kafka 4.3 advertises, on the listeners Kafka serves it on. Anything else closes the
 * connection, as in Kafka; only an ApiVersions request of an unknown version is answered, so that its sender can step down (KIP-511).
 */
import { ApiVersions } from "../../protocol/apis/18-api-versions.ts";
import { ApiError, Errors, errorMessage, errorName } from "../../protocol/errors.ts";
import { decodeRequest, decodeRequestHeader, encodeResponse, FRAME_LENGTH_SIZE_BYTES } from "../../protocol/frame.ts";
import { MalformedError, Reader } from "../../protocol/reader.ts";
import type { Api, Fields, RequestOf, ResponseInputOf } from "../../protocol/schema.ts";
import {
  type ApiRange,
  type BrokerServices,
  type ConnectionFacts,
  HandlerContext,
  type ListenerRole,
  type NodeServices,
  type RequestFacts,
} from "../handlers/context.ts";
import { CloseConnectionError, type Handler, type ReplyMemory } from "../handlers/handler.ts";
import type { Logger } from "../logging/index.ts";
import type { Counter, Histogram, Metrics } from "../metrics/index.ts";
import type { Clock } from "../platform/platform.ts";
import { type ErrorVisitor, errorVisitor } from "./error-counter.ts";
import { RefusedRequestError } from "./refused-request.ts";

/** Where a reply goes. One of the two is called, once, during {@link Dispatcher.dispatch} or later. */
export interface ReplySink {
  /** The reply's frame in chunks; null when the request has none. `memory` is to be released once they are sent or dropped. */
  replied(chunks: readonly Buffer[] | null, memory: ReplyMemory | null): void;
  /** There can be none: the connection is to be closed. */
  failed(error: unknown): void;
}

/** What the connection's next request waits for. */
export type Next = "reply" | Promise<void> | undefined;

interface Route {
  readonly handler: Handler;
  readonly api: Api;
  /** Versions that are served. Of Produce Kafka advertises more than it serves, of ListOffsets we serve more than is advertised. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** Whether a decoded request holds slices of the frame. */
  readonly hasSlices: boolean;
  readonly requests: Counter;
  readonly durationSeconds: Histogram;
  readonly sizeBytes: Histogram;
  readonly visitErrors: ErrorVisitor | null;
  readonly countError: (errorCode: number) => void;
}

/** A request between its decoding and its reply. */
interface Exchange {
  readonly route: Route;
  readonly request: RequestOf<Api>;
  readonly context: HandlerContext;
  readonly startedMs: number;
  readonly sink: ReplySink;
  /** Known once the handler has been called. */
  memory: ReplyMemory | null;
}

export interface DispatcherOptions {
  readonly handlers: readonly Handler[];
  /** Served on every listener from the start, before anything is attached, and not advertised. They use nothing of the node's services. */
  readonly early?: readonly Handler[];
}

export interface DispatcherModules {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export class Dispatcher {
  readonly #modules: DispatcherModules;
  readonly #routes: Readonly<Record<ListenerRole, readonly (Route | undefined)[]>>;
  readonly #early = new Map<number, Route>();
  /** Requests that came before what they are for; one of each connection, as its next one waits for the reply. */
  readonly #waiting: Record<ListenerRole, (() => void)[]> = { broker: [], controller: [] };
  readonly #services: Record<ListenerRole, BrokerServices | null> = { broker: null, controller: null };

  constructor(options: DispatcherOptions, modules: DispatcherModules) {
    this.#modules = modules;
    const routes = options.handlers.map(handler => this.#route(handler));
    for (const handler of options.early ?? []) this.#early.set(handler.api.key, this.#route(handler));
    this.#routes = { broker: byKey(routes, "broker"), controller: byKey(routes, "controller") };
  }

  /** Gives the handlers of a listener what they work on. Requests that came before are dispatched now. */
  attach(role: "broker", services: BrokerServices): void;
  attach(role: "controller", services: NodeServices): void;
  attach(role: ListenerRole, services: NodeServices): void {
    // Handlers of the controller listener use nothing of a broker's: the node may be none.
    this.#services[role] = services as BrokerServices;
    for (const dispatch of this.#waiting[role].splice(0)) dispatch();
  }

  /** The rows of ApiVersions for a listener, by key. */
  advertisedApis(role: ListenerRole): readonly ApiRange[] {
    const ranges: ApiRange[] = [];
    for (const route of this.#routes[role]) {
      if (route === undefined) continue;
      const { key, advertised } = route.api;
      ranges.push({ apiKey: key, minVersion: advertised.min, maxVersion: advertised.max });
    }
    return ranges;
  }

  /**
   * Starts on the request in `frame[start, end)` and returns what the connection's next one waits for. Throws {@link RefusedRequestError} when
   * the connection is to be closed. `isOwned` says that the bytes of the frame stay valid.
   */
  dispatch(
    frame: Buffer,
    start: number,
    end: number,
    connection: ConnectionFacts,
    isOwned: boolean,
    sink: ReplySink,
  ): Next {
    const startedMs = this.#modules.clock.monotonic();
    const reader = new Reader(frame, start, end);
    const header = decodeHeader(reader);
    const { listenerRole: role } = connection;
    const route = this.#routes[role][header.apiKey] ?? this.#early.get(header.apiKey);
    if (route === undefined) throw refused(header, "is not served on this listener");
    if (header.apiVersion < route.minVersion || header.apiVersion > route.maxVersion) {
      if (header.apiKey !== ApiVersions.key) throw refused(header, "has a version that is not served");
      sink.replied(unsupportedApiVersions(route, header), null);
      return undefined;
    }
    const services = this.#services[role];
    if (services === STOPPED) throw refused(header, "comes to a node that has ended");
    if (services === null && !this.#early.has(header.apiKey)) {
      const bytes = Buffer.from(frame.subarray(start, end));
      this.#waiting[role].push(() => this.#dispatchLate(bytes, connection, sink));
      return "reply";
    }
    const { kind, isForwarded = false } = route.handler;
    const isCopied = !isOwned && kind === "serial" && route.hasSlices;
    const request = decodeBody(route.api, header, isCopied ? copied(reader) : reader);
    const context = new HandlerContext(
      // Early handlers have none, and look at none.
      services as BrokerServices,
      connection,
      header,
      isOwned || isCopied,
      isForwarded ? Buffer.from(frame.subarray(start, end)) : null,
    );
    route.sizeBytes.observe(end - start);
    return this.#handle({ route, request, context, startedMs, sink, memory: null });
  }

  /**
   * Runs a request that a broker passes on to the active controller: header and body as its client sent them. Resolves with the response's header and
   * body. Rejects with `ApiError`: NOT_CONTROLLER, UNSUPPORTED_VERSION, and INVALID_REQUEST for what is malformed or not for the controller.
   */
  dispatchForwarded(bytes: Buffer, connection: ConnectionFacts): Promise<Buffer> {
    const startedMs = this.#modules.clock.monotonic();
    return new Promise((resolve, reject) => {
      const reader = new Reader(bytes);
      const header = orInvalid(() => decodeHeader(reader));
      const route = this.#routes.controller[header.apiKey];
      if (route?.handler.isForwarded !== true) throw new ApiError(Errors.INVALID_REQUEST);
      if (header.apiVersion < route.minVersion || header.apiVersion > route.maxVersion) {
        throw new ApiError(Errors.UNSUPPORTED_VERSION);
      }
      const request = orInvalid(() => decodeBody(route.api, header, reader));
      const context = new HandlerContext(this.#services.controller as BrokerServices, connection, header, true);
      const sink: ReplySink = {
        replied: chunks => resolve(Buffer.concat(chunks ?? []).subarray(FRAME_LENGTH_SIZE_BYTES)),
        failed: reject,
      };
      this.#handle({ route, request, context, startedMs, sink, memory: null });
    });
  }

  /** Closes the connections of those who wait for services that will not come. */
  refuseWaiting(): void {
    for (const role of ["broker", "controller"] as const) {
      this.#services[role] ??= STOPPED;
      for (const refuse of this.#waiting[role].splice(0)) refuse();
    }
  }

  #dispatchLate(bytes: Buffer, connection: ConnectionFacts, sink: ReplySink): void {
    if (connection.isClosed) return;
    try {
      if (this.#services[connection.listenerRole] === STOPPED)
        throw new RefusedRequestError("refused", "the node stops");
      this.dispatch(bytes, 0, bytes.length, connection, true, sink);
    } catch (error) {
      sink.failed(error);
    }
  }

  #handle(exchange: Exchange): Next {
    const { route, request, context } = exchange;
    let accepted: Promise<void> | undefined;
    try {
      const staged = route.handler.handle(request, context);
      accepted = staged.accepted;
      exchange.memory = staged.memory ?? null;
      const { response } = staged;
      if (response instanceof Promise) {
        response.then(
          value => this.#reply(exchange, value),
          error => this.#replyToFailure(exchange, error),
        );
        return route.handler.kind === "serial" ? "reply" : accepted;
      }
      this.#reply(exchange, response);
    } catch (error) {
      this.#replyToFailure(exchange, error);
    }
    return accepted;
  }

  #reply(exchange: Exchange, response: ResponseInputOf<Api> | null): void {
    const { sink } = exchange;
    let chunks: readonly Buffer[] | null;
    try {
      chunks = this.#encode(exchange, response);
    } catch (error) {
      // A response that does not fit its schema is a fault of the handler.
      this.#fail(exchange, new RefusedRequestError("failed", describe(exchange.context.request), { cause: error }));
      return;
    }
    sink.replied(chunks, exchange.memory);
  }

  #encode(exchange: Exchange, response: ResponseInputOf<Api> | null): readonly Buffer[] | null {
    const { route, context, startedMs } = exchange;
    route.requests.increment();
    let chunks: readonly Buffer[] | null = null;
    if (response !== null) {
      route.visitErrors?.(response, route.countError);
      chunks = encodeResponse(route.api, context.apiVersion, context.request.correlationId, response);
    }
    route.durationSeconds.observe((this.#modules.clock.monotonic() - startedMs) / 1000);
    return chunks;
  }

  /** Answers in the API's own error shape what a handler threw. */
  #replyToFailure(exchange: Exchange, error: unknown): void {
    const { route, request, context } = exchange;
    if (error instanceof CloseConnectionError) {
      this.#fail(exchange, error);
      return;
    }
    const isExpected = error instanceof ApiError;
    if (isExpected && error.code === Errors.NOT_CONTROLLER && context.connection.id === FORWARDED_CONNECTION_ID) {
      // Told to the broker rather than its client: the next controller is to be asked.
      this.#fail(exchange, error);
      return;
    }
    const errorCode = isExpected ? error.code : Errors.UNKNOWN_SERVER_ERROR;
    if (!isExpected) this.#logFailure(exchange, error);
    const text = isExpected ? error.message : errorMessage(errorCode);
    let response: ResponseInputOf<Api>;
    try {
      response = route.handler.errorResponse(request, errorCode, text, context);
    } catch (cause) {
      const message = `${describe(context.request)}: the error ${errorName(errorCode)} has no response`;
      this.#fail(exchange, new RefusedRequestError("failed", message, { cause }));
      return;
    }
    this.#reply(exchange, response);
  }

  #fail(exchange: Exchange, error: unknown): void {
    exchange.memory?.release();
    exchange.sink.failed(error);
  }

  #logFailure({ route, context }: Exchange, error: unknown): void {
    this.#modules.logger.error("request.failed", {
      api: route.api.name,
      version: context.apiVersion,
      clientId: context.clientId,
      remote: `${context.connection.remoteHost}:${context.connection.remotePort}`,
      error,
    });
  }

  #route(handler: Handler): Route {
    const { metrics } = this.#modules;
    const { api } = handler;
    return {
      handler,
      api,
      minVersion: api.versions.min,
      maxVersion: Math.min(api.versions.max, api.advertised.max),
      hasSlices: hasSlices(api.request.fields),
      requests: metrics.counter("samsa_requests_total", { api: api.name }),
      durationSeconds: metrics.histogram("samsa_request_duration_seconds", { api: api.name }),
      sizeBytes: metrics.histogram("samsa_request_size_bytes", { api: api.name }),
      visitErrors: errorVisitor(api.response.fields),
      countError: errorCode =>
        metrics.counter("samsa_request_errors_total", { api: api.name, error: errorName(errorCode) }).increment(),
    };
  }
}

/** Stands for the services of a node that ended before it had them. */
const STOPPED = Object.freeze({}) as BrokerServices;

function byKey(routes: readonly Route[], role: ListenerRole): readonly (Route | undefined)[] {
  const table: (Route | undefined)[] = [];
  for (const route of routes) {
    if (!route.handler.listeners.includes(role)) continue;
    while (table.length < route.api.key) table.push(undefined);
    table[route.api.key] = route;
  }
  return table;
}

/** A client of another broker has no connection here. */
export const FORWARDED_CONNECTION_ID = -1;

/** What a broker passes on it has understood itself; what is malformed is the broker's fault and costs it no connection. */
function orInvalid<R>(decode: () => R): R {
  try {
    return decode();
  } catch (error) {
    if (error instanceof RefusedRequestError) throw new ApiError(Errors.INVALID_REQUEST, error.message);
    throw error;
  }
}

function hasSlices(fields: Fields): boolean {
  return Object.values(fields).some(field => {
    if (field.kind === "struct") return hasSlices(field.fields);
    if (field.kind !== "array") return field.kind === "bytes" || field.kind === "records";
    if (typeof field.element === "string") return field.element === "bytes" || field.element === "records";
    return hasSlices(field.element);
  });
}

function copied(reader: Reader): Reader {
  return new Reader(Buffer.from(reader.buffer.subarray(reader.position, reader.end)));
}

function decodeHeader(reader: Reader): RequestFacts {
  try {
    return decodeRequestHeader(reader);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new RefusedRequestError("malformed", `header: ${error.message}`);
  }
}

function decodeBody(api: Api, header: RequestFacts, reader: Reader): RequestOf<Api> {
  try {
    return decodeRequest(api, header.apiVersion, reader);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new RefusedRequestError("malformed", `${describe(header)}: ${error.message}`);
  }
}

/** Version 0 of the answer, naming only ApiVersions' own range: all that a client needs to ask again. */
function unsupportedApiVersions(route: Route, header: RequestFacts): readonly Buffer[] {
  const { key, advertised } = route.api;
  return encodeResponse(ApiVersions, 0, header.correlationId, {
    errorCode: Errors.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: key, minVersion: advertised.min, maxVersion: advertised.max }],
    throttleTimeMs: 0,
  });
}

function refused(header: RequestFacts, why: string): RefusedRequestError {
  return new RefusedRequestError("refused", `${describe(header)} ${why}`);
}

function describe(header: RequestFacts): string {
  return `request with API key ${header.apiKey}, version ${header.apiVersion}`;
}
