/**
 * The bounds of what a broker keeps in memory (RELIABILITY.md I9), as its own metrics tell them: looked at after some of its events, and, where nothing
 * is to be left over, once all is at rest.
 */
import { Gauge, type GaugeName } from "../../../src/metrics/index.ts";
import { InvariantError } from "../world.ts";
import type { BrokerProcess } from "./broker-process.ts";

/** Settings of simulated brokers that make the bounds near enough to be met. {@link BoundsChecks} knows them. */
export const BOUNDED_SETTINGS = {
  "samsa.log.tail.cache.bytes": "200000",
  "samsa.log.read.buffers.max.bytes": "300000",
  "socket.request.max.bytes": "1000000",
  "queued.max.request.bytes": "2000000",
  "samsa.socket.unsent.response.max.bytes": "32768",
} as const;

type BoundedSetting = keyof typeof BOUNDED_SETTINGS;

/** What is not written to its file yet stays in the tail cache, whatever the bound: a slab of at most this size at the end of each log. */
const TAIL_CHUNK_BYTES = 262_144;
/** A client has one connection to a broker, and perhaps some that the broker has not found dead yet. */
const MAX_CONNECTIONS = 100;
/** A connection that owes so many bytes is asked for nothing more; the answers to what it had asked for come on top. */
const MAX_UNSENT_BYTES = Number(BOUNDED_SETTINGS["samsa.socket.unsent.response.max.bytes"]) + 2_000_000;
/** Looking is cheap, but not free. */
const LOOKED_AT_EVERY = 16;

export class BoundsChecks {
  readonly #fetchSessionSlots: number;
  #callCount = 0;

  constructor(options: { readonly fetchSessionSlots: number }) {
    this.#fetchSessionSlots = options.fetchSessionSlots;
  }

  afterEvent(changed: readonly BrokerProcess[]): void {
    for (const process of changed) {
      this.#callCount += 1;
      if (this.#callCount % LOOKED_AT_EVERY === 0) this.#check(process);
    }
  }

  /** Nobody asks for anything but long polls: nothing waits to be sent, and what was received is answered, parked requests aside. */
  checkRest(processes: readonly BrokerProcess[]): void {
    for (const process of processes) {
      this.#check(process);
      bound(process, "samsa_unsent_response_bytes", 0);
    }
  }

  #check(process: BrokerProcess): void {
    const logCount = [...(process.logs?.all() ?? [])].length + 1;
    bound(process, "samsa_log_cache_bytes", limitOf("samsa.log.tail.cache.bytes") + logCount * TAIL_CHUNK_BYTES);
    // Overdrawn by what was on its way when the last of it was taken: connections are closed from a quarter more on.
    bound(process, "samsa_request_bytes_in_flight", limitOf("queued.max.request.bytes") * 1.25);
    const connectionCount = bound(process, "samsa_connections_open", MAX_CONNECTIONS);
    bound(process, "samsa_unsent_response_bytes", connectionCount * MAX_UNSENT_BYTES);
    bound(process, "samsa_fetch_sessions", this.#fetchSessionSlots);
    const spareBytes = process.services?.readBuffers.spareBytes ?? 0;
    if (spareBytes > limitOf("samsa.log.read.buffers.max.bytes")) {
      throw new InvariantError(`${process.options.name} keeps ${spareBytes} bytes for reads to come`);
    }
  }
}

function limitOf(setting: BoundedSetting): number {
  return Number(BOUNDED_SETTINGS[setting]);
}

/** The gauge's value, summed over its labels. */
function bound(process: BrokerProcess, gauge: GaugeName, limit: number): number {
  let value = 0;
  for (const { cell } of process.broker.metrics.seriesOf(gauge)) if (cell instanceof Gauge) value += cell.current();
  if (value > limit) throw new InvariantError(`${process.options.name} has ${gauge} ${value}; the bound is ${limit}`);
  return value;
}
