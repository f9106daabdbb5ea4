/**
 * Structured logging: an event with a stable name, and its facts as fields.
 *
 * ```ts
 * const log = createLogger({ level: "info", format: "text", write: line => process.stdout.write(line), clock: platform.clock });
 * const partitionLog = log.child({ partition: "orders-3" });
 * partitionLog.info("isr.shrunk", { removed: [2], highWatermark: 1042 });
 * // 2026-11-21T08:20:23.123Z INFO  isr.shrunk partition=orders-3 removed=[2] highWatermark=1042
 * ```
 *
 * Event names are part of the interface: tests and operators' alerts match on them. They read `thing.happened`, lower case with dots and
 * dashes. Values are escaped, so that nothing a client sends can forge a line, and secrets are redacted by field name and by type
 * (`redact.ts`).
 */
import type { Clock } from "../platform/platform.ts";
import { formatJson, formatText } from "./format.ts";

/** From the chattiest to the gravest. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
/** The least level that is written; `off` writes none. */
export type LogThreshold = LogLevel | "off";
export type LogFormat = "text" | "json";
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every event. */
  child(fields: LogFields): Logger;
  /** Whether events of this level go anywhere: ask before computing costly fields. */
  isEnabled(level: LogLevel): boolean;
}

/** One event as a sink receives it. */
export interface LogEntry {
  readonly timeMs: number;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

export interface LoggerOptions {
  readonly level: LogThreshold;
  readonly format: LogFormat;
  /** Takes one whole line, newline included. */
  readonly write: (line: string) => void;
  readonly clock: Pick<Clock, "now">;
}

/** A logger that writes lines. */
export function createLogger(options: LoggerOptions): Logger {
  const format = options.format === "json" ? formatJson : formatText;
  return new SinkLogger(
    { threshold: rankOf(options.level), clock: options.clock, sink: entry => options.write(format(entry)) },
    {},
  );
}

/** Drops everything. */
export const nullLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => nullLogger,
  isEnabled: () => false,
};

/** Keeps everything, for tests to look at. */
export interface MemoryLogger extends Logger {
  /** In the order logged, those of children included, their fields merged in. Not redacted, not escaped. */
  readonly entries: LogEntry[];
  /** The entries of one event. */
  of(event: string): LogEntry[];
  clear(): void;
}

export function memoryLogger(options: { level?: LogThreshold; clock?: Pick<Clock, "now"> } = {}): MemoryLogger {
  const entries: LogEntry[] = [];
  const threshold = rankOf(options.level ?? "debug");
  const logger = new SinkLogger(
    { threshold, clock: options.clock ?? { now: () => 0 }, sink: entry => entries.push(entry) },
    {},
  );
  return Object.assign(logger, {
    entries,
    of: (event: string) => entries.filter(entry => entry.event === event),
    clear: () => {
      entries.length = 0;
    },
  });
}

interface Output {
  readonly threshold: number;
  readonly clock: Pick<Clock, "now">;
  readonly sink: (entry: LogEntry) => void;
}

class SinkLogger implements Logger {
  readonly #output: Output;
  readonly #fields: LogFields;

  constructor(output: Output, fields: LogFields) {
    this.#output = output;
    this.#fields = fields;
  }

  debug(event: string, fields?: LogFields): void {
    this.#log("debug", event, fields);
  }

  info(event: string, fields?: LogFields): void {
    this.#log("info", event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    this.#log("warn", event, fields);
  }

  error(event: string, fields?: LogFields): void {
    this.#log("error", event, fields);
  }

  child(fields: LogFields): Logger {
    return new SinkLogger(this.#output, { ...this.#fields, ...fields });
  }

  isEnabled(level: LogLevel): boolean {
    return rankOf(level) >= this.#output.threshold;
  }

  #log(level: LogLevel, event: string, fields: LogFields | undefined): void {
    const { threshold, clock, sink } = this.#output;
    if (rankOf(level) < threshold) return;
    sink({
      timeMs: clock.now(),
      level,
      event,
      fields: fields === undefined ? this.#fields : { ...this.#fields, ...fields },
    });
  }
}

function rankOf(level: LogThreshold): number {
  return level === "off" ? LOG_LEVELS.length : LOG_LEVELS.indexOf(level);
}
