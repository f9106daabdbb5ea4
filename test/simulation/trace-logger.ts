/** What a process logs becomes part of the trace; of details, which are not in it, `onDetail` is told. */
import type { LogFields, Logger } from "../../src/logging/index.ts";

export function traceLogger(
  note: (what: string) => void,
  onDetail: (event: string, fields: LogFields | undefined) => void = () => {},
): Logger {
  const write = (event: string, fields?: LogFields): void => note(`${event} ${textOf(fields)}`);
  const logger: Logger = {
    debug: onDetail,
    info: write,
    warn: write,
    error: write,
    child: () => logger,
    isEnabled: level => level !== "debug",
  };
  return logger;
}

function textOf(fields: LogFields | undefined): string {
  return JSON.stringify(fields ?? {}, (_key, value: unknown) => {
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    return typeof value === "bigint" ? String(value) : value;
  });
}
