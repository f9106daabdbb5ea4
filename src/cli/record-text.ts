/** Records as lines of text: what `samsa produce` reads and `samsa consume` prints. */

import { CliFailure, usageFailure } from "../client/failure.ts";
import type { ConsumedRecord } from "./client/consumer.ts";
import type { ProducedRecord } from "./client/producer.ts";

/** How keys and values stand in text. */
export type Encoding = "utf8" | "base64" | "hex";

export const encodings: readonly Encoding[] = ["utf8", "base64", "hex"];

export interface LineOptions {
  /** Text between key and value; without it the line is the value. */
  readonly keySeparator?: string;
  /** The key of records whose line has none. */
  readonly key?: string;
  readonly headers?: readonly { key: string; value: Buffer | null }[];
  readonly partition?: number;
  /** A value of this text is null: a tombstone. */
  readonly nullMarker?: string;
  readonly keyEncoding?: Encoding;
  readonly valueEncoding?: Encoding;
}

/** Reads one line of plain text. Throws a failure when it has no separator where one is asked for. */
export function parseLine(line: string, lineNumber: number, options: LineOptions): ProducedRecord {
  const { keySeparator, nullMarker, headers, partition } = options;
  const separator = keySeparator === undefined ? -1 : line.indexOf(keySeparator);
  if (keySeparator !== undefined && separator < 0) {
    throw new CliFailure(`Line ${lineNumber} has no key: ${JSON.stringify(keySeparator)} is not in it.`, {
      advice: "Leave --key-separator out for lines that are values only.",
    });
  }
  const keyText = keySeparator === undefined ? options.key : line.slice(0, separator);
  const valueText = keySeparator === undefined ? line : line.slice(separator + keySeparator.length);
  return {
    key: keyText === undefined || keyText === nullMarker ? null : decodeText(keyText, options.keyEncoding, lineNumber),
    value: valueText === nullMarker ? null : decodeText(valueText, options.valueEncoding, lineNumber),
    ...(headers && headers.length > 0 ? { headers } : {}),
    ...(partition === undefined ? {} : { partition }),
  };
}

const JSON_FIELDS = ["key", "value", "headers", "partition", "timestamp", "offset", "topic"];

/**
 * Reads one line of JSON: an object with `value` and, as wanted, `key`, `headers` (an object, or a list of [name, value]), `partition` and
 * `timestamp` (ms). Values that are not strings are produced as JSON. What `samsa consume --json` prints is read back; its offsets are
 * passed over.
 */
export function parseJsonLine(line: string, lineNumber: number, options: LineOptions): ProducedRecord {
  const wrong = (what: string): CliFailure =>
    new CliFailure(`Line ${lineNumber}: ${what}.`, {
      advice: 'Expected an object such as {"key":"k","value":"v","headers":{"h":"1"}}.',
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    throw wrong(`not JSON (${(error as Error).message})`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw wrong("not a JSON object");
  const fields = parsed as Record<string, unknown>;
  const unknown = Object.keys(fields).find(name => !JSON_FIELDS.includes(name));
  if (unknown !== undefined) throw wrong(`unknown field ${unknown}`);
  const { key, value, headers, partition, timestamp } = fields;
  for (const [name, number] of Object.entries({ partition, timestamp })) {
    if (number !== undefined && (!Number.isSafeInteger(number) || (number as number) < 0))
      throw wrong(`${name} is not a whole number`);
  }
  const chosenPartition = (partition as number | undefined) ?? options.partition;
  const allHeaders = [...(options.headers ?? []), ...parseJsonHeaders(headers, wrong)];
  return {
    key: jsonBytes(key ?? options.key, options.keyEncoding, lineNumber),
    value: jsonBytes(value, options.valueEncoding, lineNumber),
    ...(allHeaders.length > 0 ? { headers: allHeaders } : {}),
    ...(chosenPartition === undefined ? {} : { partition: chosenPartition }),
    ...(timestamp === undefined ? {} : { timestampMs: timestamp as number }),
  };
}

/** Fields that `--print` may name. */
export const printableFields = ["topic", "partition", "offset", "timestamp", "key", "value", "headers"] as const;
export type PrintableField = (typeof printableFields)[number];

export interface FormatOptions {
  readonly topic: string;
  readonly fields: readonly PrintableField[];
  readonly separator: string;
  readonly keyEncoding: Encoding;
  readonly valueEncoding: Encoding;
  /** What a null key or value prints as. */
  readonly nullMarker: string;
}

/** A record as one line of plain text, without the line's end. */
export function formatLine(record: ConsumedRecord, options: FormatOptions): string {
  return options.fields.map(field => formatField(record, field, options)).join(options.separator);
}

/** A record as one line of JSON that {@link parseJsonLine} reads back. */
export function formatJsonLine(record: ConsumedRecord, { topic, keyEncoding, valueEncoding }: FormatOptions): string {
  return JSON.stringify({
    topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestamp,
    key: record.key?.toString(keyEncoding) ?? null,
    value: record.value?.toString(valueEncoding) ?? null,
    ...(record.headers.length > 0
      ? { headers: record.headers.map(({ key, value }) => [key, value?.toString() ?? null]) }
      : {}),
  });
}

/** Reads `name=value` as a header; without `=` its value is null. */
export function parseHeader(text: string): { key: string; value: Buffer | null } {
  const separator = text.indexOf("=");
  if (separator < 0) return { key: text, value: null };
  return { key: text.slice(0, separator), value: Buffer.from(text.slice(separator + 1)) };
}

/** Reads `--print partition,offset,value`. Throws a usage failure for an unknown field. */
export function parseFields(text: string): PrintableField[] {
  return text.split(",").map(name => {
    const field = printableFields.find(candidate => candidate === name.trim());
    if (!field) throw usageFailure(`--print ${name}: expected some of ${printableFields.join(", ")}.`);
    return field;
  });
}

/** Makes `\t`, `\n` and `\\` in an option the characters they stand for. */
export function unescapeOption(text: string): string {
  return text.replace(
    /\\([tn\\0])/g,
    (_whole, letter: string) => ({ t: "\t", n: "\n", "\\": "\\", "0": "\0" })[letter]!,
  );
}

function formatField(record: ConsumedRecord, field: PrintableField, options: FormatOptions): string {
  switch (field) {
    case "topic":
      return options.topic;
    case "partition":
    case "offset":
    case "timestamp":
      return String(record[field]);
    case "key":
      return record.key?.toString(options.keyEncoding) ?? options.nullMarker;
    case "value":
      return record.value?.toString(options.valueEncoding) ?? options.nullMarker;
    case "headers":
      return record.headers.map(({ key, value }) => (value === null ? key : `${key}=${value}`)).join(",");
  }
}

function decodeText(text: string, encoding: Encoding = "utf8", lineNumber: number): Buffer {
  const bytes = Buffer.from(text, encoding);
  const isWhole =
    encoding === "utf8" ||
    bytes.toString(encoding).replace(/=+$/, "").toLowerCase() === text.replace(/=+$/, "").toLowerCase();
  if (!isWhole) throw new CliFailure(`Line ${lineNumber}: ${JSON.stringify(text.slice(0, 40))} is not ${encoding}.`);
  return bytes;
}

function jsonBytes(value: unknown, encoding: Encoding | undefined, lineNumber: number): Buffer | null {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? decodeText(value, encoding, lineNumber) : Buffer.from(JSON.stringify(value));
}

function parseJsonHeaders(
  headers: unknown,
  wrong: (what: string) => CliFailure,
): { key: string; value: Buffer | null }[] {
  if (headers === undefined || headers === null) return [];
  if (typeof headers !== "object") throw wrong("headers are neither an object nor a list");
  const entries: unknown[] = Array.isArray(headers) ? headers : Object.entries(headers);
  return entries.map(entry => {
    if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== "string")
      throw wrong("a header is not [name, value]");
    const value: unknown = entry[1];
    return {
      key: entry[0],
      value: value === null ? null : Buffer.from(typeof value === "string" ? value : JSON.stringify(value)),
    };
  });
}
