/**
 * Which connections may come in: `max.connections`, `max.connections.per.ip` with its overrides, `max.connection.creation.rate`.
 *
 * Too many are closed at once. Too fast a stream is slowed down instead: a connection is accepted but not read from before its turn comes
 * (KIP-402, KIP-612).
 */
export interface ConnectionLimitsOptions {
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  /** `max.connections.per.ip.overrides`, by host. */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  /** New connections a second. */
  readonly maxCreationRate: number;
}

export type Admission =
  | { readonly admitted: true /** How long to wait before reading. */; readonly delayMs: number }
  | { readonly admitted: false; readonly reason: "max.connections" | "max.connections.per.ip" };

export class ConnectionLimits {
  #options: ConnectionLimitsOptions;
  readonly #countByHost = new Map<string, number>();
  #count = 0;
  /** When the next connection may begin, if they came evenly at the highest rate. */
  #nextTurnMs = Number.NEGATIVE_INFINITY;

  constructor(options: ConnectionLimitsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes new limits; connections that are there stay. */
  update(options: ConnectionLimitsOptions): void {
    this.#options = options;
  }

  /** Admits a connection and counts it, or says why not. `nowMs` is monotonic. */
  admit(host: string, nowMs: number): Admission {
    const options = this.#options;
    if (this.#count >= options.maxConnections) return { admitted: false, reason: "max.connections" };
    const hostCount = this.#countByHost.get(host) ?? 0;
    const hostLimit = options.maxConnectionsPerIpOverrides.get(host) ?? options.maxConnectionsPerIp;
    if (hostCount >= hostLimit) return { admitted: false, reason: "max.connections.per.ip" };
    this.#count += 1;
    this.#countByHost.set(host, hostCount + 1);
    return { admitted: true, delayMs: this.#takeTurn(nowMs) };
  }

  /** An admitted connection is gone. */
  release(host: string): void {
    this.#count -= 1;
    const hostCount = (this.#countByHost.get(host) ?? 1) - 1;
    if (hostCount === 0) this.#countByHost.delete(host);
    else this.#countByHost.set(host, hostCount);
  }

  #takeTurn(nowMs: number): number {
    const spacingMs = 1000 / this.#options.maxCreationRate;
    // A second's worth may come at once after a quiet time.
    const turnMs = Math.max(this.#nextTurnMs, nowMs - 1000);
    this.#nextTurnMs = turnMs + spacingMs;
    return Math.max(0, turnMs - nowMs);
  }
}
