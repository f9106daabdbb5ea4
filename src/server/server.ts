/**
 * All listeners and connections of a broker.
 *
 * ```ts
 * const server = new Server({ ...limits }, { platform, dispatcher, logger, metrics });
 * const endpoint = await server.bind({ name: "PLAINTEXT", host: "127.0.0.1", port: 0, role: "broker", securityProtocol: "PLAINTEXT" });
 * server.open(); // connections that came in before are read from now on
 * await server.stop(5_000);
 * ```
 */
import type { ConnectionFacts, ListenerRole } from "../handlers/context.ts";
import type { Logger } from "../logging/index.ts";
import type { Metrics } from "../metrics/index.ts";
import type { Listener, Platform, Timer, Connection as Transport } from "../platform/platform.ts";
import { ClientConnection, type CloseReason, type ConnectionOptions, type ConnectionOwner } from "./connection.ts";
import { ConnectionLimits, type ConnectionLimitsOptions } from "./connection-limits.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { FrameBuffers } from "./frame-buffers.ts";
import { ListenerCounters } from "./listener-counters.ts";
import { LogThrottle } from "./log-throttle.ts";
import { ReceiveWindow } from "./receive-window.ts";
import { RequestBudget } from "./request-budget.ts";

export interface ServerOptions {
  readonly connection: ConnectionOptions;
  readonly limits: ConnectionLimitsOptions;
  readonly receiveWindowBytes: number;
  /** `queued.max.request.bytes`. */
  readonly maxRequestBytes: number;
  /** `socket.listen.backlog.size`: connections that the system may hold before they are accepted. */
  readonly backlog: number;
}

export interface ServerModules {
  readonly platform: Pick<Platform, "clock" | "timers" | "network">;
  readonly dispatcher: Dispatcher;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Where to listen, and what is served there. */
export interface EndpointOptions {
  readonly name: string;
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly role: ListenerRole;
  readonly securityProtocol: string;
}

/** A bound endpoint, with its real port. */
export interface Endpoint extends EndpointOptions {
  readonly listener: Listener;
}

/** Idle connections, stuck frames and unread replies are looked for this often, in one walk over all connections. */
const SWEEP_PERIOD_MS = 1000;

export class Server implements ConnectionOwner {
  readonly options: ConnectionOptions;
  readonly window: ReceiveWindow;
  readonly budget: RequestBudget;
  readonly buffers = new FrameBuffers();
  readonly dispatcher: Dispatcher;
  /** Told of every connection that is gone. */
  onClosed: ((connection: ConnectionFacts) => void) | null = null;
  readonly #modules: ServerModules;
  readonly #backlog: number;
  readonly #limits: ConnectionLimits;
  readonly #endpoints: Endpoint[] = [];
  readonly #connections = new Set<ClientConnection>();
  /** Accepted, but too fast after the ones before: not to be read from yet. */
  readonly #delayed = new Set<ClientConnection>();
  readonly #counters = new Map<string, ListenerCounters>();
  readonly #throttles = new Map<string, LogThrottle>();
  #flushList: ClientConnection[] = [];
  #isFlushScheduled = false;
  #sweepTimer: Timer | null = null;
  #nextConnectionId = 1;
  #isOpen = false;
  #isStopping = false;
  #allGone: (() => void) | null = null;

  constructor(options: ServerOptions, modules: ServerModules) {
    this.options = options.connection;
    this.window = new ReceiveWindow({ sizeBytes: options.receiveWindowBytes });
    this.budget = new RequestBudget({ limitBytes: options.maxRequestBytes });
    this.dispatcher = modules.dispatcher;
    this.#modules = modules;
    this.#backlog = options.backlog;
    this.#limits = new ConnectionLimits(options.limits);
    const { metrics } = modules;
    metrics.gauge("samsa_request_bytes_in_flight").source(() => this.budget.usedBytes);
    metrics.gauge("samsa_requests_in_flight").source(() => this.#sum(connection => connection.inFlight));
    metrics.gauge("samsa_unsent_response_bytes").source(() => this.#sum(connection => connection.unsentBytes));
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** Listens. Connections are accepted, but nothing is read from them before {@link open}. Rejects with the system's error code. */
  async bind(options: EndpointOptions): Promise<Endpoint> {
    const counters = this.#countersOf(options.name);
    const listener = await this.#modules.platform.network.listen(
      { host: options.host, port: options.port, backlog: this.#backlog },
      transport => this.#accepted(transport, options, counters),
    );
    const endpoint = { ...options, port: listener.port, listener };
    this.#endpoints.push(endpoint);
    return endpoint;
  }

  /** Begins to serve. */
  open(): void {
    if (this.#isStopping) return;
    this.#isOpen = true;
    for (const connection of this.#connections) if (!this.#delayed.has(connection)) connection.start();
    this.#sweepTimer = this.#modules.platform.timers.every(SWEEP_PERIOD_MS, () => this.#sweep());
  }

  /** Closes the connections to listeners for clients over which somebody waits for an answer. Returns how many. */
  closeWaiting(): number {
    const waiting = [...this.#connections].filter(
      ({ listenerRole, inFlight }) => listenerRole === "broker" && inFlight > 0,
    );
    for (const connection of waiting) connection.destroy();
    return waiting.length;
  }

  /** Takes new limits on connections (they are dynamic configs). */
  updateLimits(limits: ConnectionLimitsOptions): void {
    this.#limits.update(limits);
  }

  /**
   * Stops accepting, answers what has been accepted, closes. What is not done after `drainMs` is cut off.
   */
  async stop(drainMs: number): Promise<void> {
    this.#isStopping = true;
    this.#sweepTimer?.clear();
    for (const endpoint of this.#endpoints) await endpoint.listener.close();
    if (this.#connections.size === 0) return;
    const gone = new Promise<void>(resolve => {
      this.#allGone = resolve;
    });
    const timer = this.#modules.platform.timers.after(drainMs, () => {
      for (const connection of this.#connections) connection.destroy();
    });
    for (const connection of [...this.#connections]) connection.drain();
    await gone;
    timer.clear();
  }

  // --- ConnectionOwner

  now(): number {
    return this.#modules.platform.clock.monotonic();
  }

  flushLater(connection: ClientConnection): void {
    this.#flushList.push(connection);
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    this.#modules.platform.timers.endOfTick(() => this.#flush());
  }

  closing(connection: ClientConnection, reason: CloseReason, detail: string): void {
    const { metrics } = this.#modules;
    metrics.counter("samsa_connections_closed_total", { listener: connection.listenerName, reason }).increment();
    if (reason === "malformed" || reason === "frame") metrics.counter("samsa_malformed_requests_total").increment();
    if (reason === "client" || reason === "stopping") return;
    const remote = `${connection.remoteHost}:${connection.remotePort}`;
    const isRoutine = reason === "idle" || reason === "acks-0";
    this.#log(isRoutine ? "debug" : "warn", "connection.closed", {
      reason,
      detail,
      remote,
      listener: connection.listenerName,
    });
  }

  closed(connection: ClientConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.#limits.release(connection.remoteHost);
    connection.counters.open -= 1;
    this.onClosed?.(connection);
    if (this.#connections.size === 0) this.#allGone?.();
  }

  #accepted(transport: Transport, endpoint: EndpointOptions, counters: ListenerCounters): void {
    if (this.#isStopping) {
      transport.destroy();
      return;
    }
    const admission = this.#limits.admit(transport.remoteHost, this.now());
    if (!admission.admitted) {
      this.#modules.metrics
        .counter("samsa_connections_rejected_total", { listener: endpoint.name, reason: admission.reason })
        .increment();
      this.#log("warn", "connection.rejected", { reason: admission.reason, remote: transport.remoteHost });
      transport.destroy();
      return;
    }
    counters.accepted.increment();
    counters.open += 1;
    const connection = new ClientConnection(
      {
        id: this.#nextConnectionId++,
        listenerName: endpoint.name,
        listenerRole: endpoint.role,
        securityProtocol: endpoint.securityProtocol,
      },
      { transport, owner: this, counters },
    );
    this.#connections.add(connection);
    if (admission.delayMs > 0) {
      this.#delayed.add(connection);
      this.#modules.platform.timers.after(admission.delayMs, () => {
        this.#delayed.delete(connection);
        if (this.#isOpen) connection.start();
      });
    } else if (this.#isOpen) connection.start();
  }

  #flush(): void {
    this.#isFlushScheduled = false;
    const connections = this.#flushList;
    this.#flushList = [];
    for (const connection of connections) connection.flush();
  }

  #sweep(): void {
    const nowMs = this.now();
    for (const connection of this.#connections) connection.sweep(nowMs);
    this.budget.sweep();
  }

  #countersOf(listener: string): ListenerCounters {
    let counters = this.#counters.get(listener);
    if (counters === undefined) {
      const created = new ListenerCounters(listener, this.#modules.metrics);
      this.#modules.metrics.gauge("samsa_connections_open", { listener }).source(() => created.open);
      this.#counters.set(listener, created);
      counters = created;
    }
    return counters;
  }

  #log(level: "debug" | "warn", event: string, fields: Readonly<Record<string, unknown>> & { reason: string }): void {
    const { logger } = this.#modules;
    if (!logger.isEnabled(level)) return;
    const key = `${event}:${fields.reason}`;
    let throttle = this.#throttles.get(key);
    if (throttle === undefined) {
      throttle = new LogThrottle({ maxPerPeriod: 10, periodMs: 10_000 });
      this.#throttles.set(key, throttle);
    }
    const { admitted, suppressed } = throttle.admit(this.now());
    if (admitted) logger[level](event, suppressed > 0 ? { ...fields, suppressed } : fields);
  }

  #sum(value: (connection: ClientConnection) => number): number {
    let sum = 0;
    for (const connection of this.#connections) sum += value(connection);
    return sum;
  }
}
