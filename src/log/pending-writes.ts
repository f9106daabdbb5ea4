/**
 * What logs have appended and not written yet, or written and not flushed: written at the end of the tick, one `writev` a log, and flushed when nobody
 * asks for it within the background time, or before it becomes much.
 */
import type { Timers } from "../platform/platform.ts";
import type { FlushScheduler } from "./flush-scheduler.ts";
import type { PartitionLog } from "./partition-log.ts";

/** A log with so much to flush does not wait for the time to: a roll blocks until all of a segment is durable. */
const MUCH_UNFLUSHED_BYTES = 16 * 1024 * 1024;

export interface PendingWritesModules {
  readonly timers: Timers;
  readonly flushScheduler: FlushScheduler<PartitionLog>;
}

export class PendingWrites {
  readonly #backgroundFlushMs: number;
  readonly #modules: PendingWritesModules;
  #unwritten: PartitionLog[] = [];
  /** Logs with appends that perhaps nobody waits for. */
  #unflushed = new Set<PartitionLog>();
  #isFlushPlanned = false;
  /** Logs with a flush of their own to come. */
  readonly #planned = new Set<PartitionLog>();
  #isStopped = false;

  /** `backgroundFlushMs`: the longest time until an append that nobody waits for is flushed. */
  constructor(options: { backgroundFlushMs: number }, modules: PendingWritesModules) {
    this.#backgroundFlushMs = options.backgroundFlushMs;
    this.#modules = modules;
  }

  /** A log got its first append of this tick. */
  add(log: PartitionLog): void {
    const { timers } = this.#modules;
    if (this.#unwritten.push(log) === 1) timers.endOfTick(this.#writeAll);
    if (log.config.flushMs < this.#backgroundFlushMs) {
      this.#planFlush(log);
      return;
    }
    this.#unflushed.add(log);
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    timers.after(this.#backgroundFlushMs, this.#flushUnflushed);
  }

  /** Of a log whose topic wants it sooner (`flush.ms`). */
  #planFlush(log: PartitionLog): void {
    if (this.#planned.has(log)) return;
    this.#planned.add(log);
    this.#modules.timers.after(log.config.flushMs, () => {
      if (!this.#planned.delete(log) || this.#isStopped) return;
      if (log.isDirty && !log.isClosed) this.#modules.flushScheduler.request(log);
    });
  }

  /** The log is no more. */
  forget(log: PartitionLog): void {
    this.#unflushed.delete(log);
    this.#planned.delete(log);
  }

  /** No more background flushes: all logs are about to be closed. */
  stop(): void {
    this.#isStopped = true;
  }

  readonly #writeAll = (): void => {
    const logs = this.#unwritten;
    this.#unwritten = [];
    const { flushScheduler } = this.#modules;
    for (const log of logs) {
      log.writePending();
      log.announceWritten();
      const isMuch =
        log.logEndOffset - log.flushedOffset >= log.config.flushMessages || log.unflushedBytes >= MUCH_UNFLUSHED_BYTES;
      if (isMuch) flushScheduler.request(log);
    }
  };

  readonly #flushUnflushed = (): void => {
    this.#isFlushPlanned = false;
    const logs = this.#unflushed;
    this.#unflushed = new Set();
    if (this.#isStopped) return;
    for (const log of logs) if (log.isDirty && !log.isClosed) this.#modules.flushScheduler.request(log);
  };
}
