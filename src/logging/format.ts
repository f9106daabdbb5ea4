/** Log entries as lines: `text` for people, `json` for machines. Both redact, escape and bound what they are given. */

import type { LogEntry, LogFields } from "./logger.ts";
import { isSecretName, isSecretValue, REDACTED } from "./redact.ts";

/** Longer strings are cut: a client's field must not fill the disk. Stacks are ours and may be longer. */
const MAX_STRING_LENGTH = 2_000;
const MAX_STACK_LENGTH = 8_000;
const MAX_ITEMS = 100;
const MAX_DEPTH = 5;

/** `2026-11-21T08:20:23.123Z INFO  isr.shrunk partition=orders-3 removed=[2]`; an error's stack follows as indented lines. */
export function formatText(entry: LogEntry): string {
  let line = `${timestamp(entry.timeMs)} ${entry.level.toUpperCase().padEnd(5)} ${textOf(entry.event)}`;
  let stacks = "";
  for (const [name, value] of fieldsOf(entry.fields)) {
    line += ` ${textOf(name)}=${textValue(value)}`;
    if (value instanceof PlainError && value.stack !== "") stacks += indent(value.stack);
  }
  return `${line}\n${stacks}`;
}

/** One JSON object a line: `time`, `level`, `event`, then the fields; a field with one of those names gets a `_` behind it. */
export function formatJson(entry: LogEntry): string {
  const object: Record<string, unknown> = { time: timestamp(entry.timeMs), level: entry.level, event: entry.event };
  for (const [name, value] of fieldsOf(entry.fields)) object[Object.hasOwn(object, name) ? `${name}_` : name] = value;
  // JSON escapes C0 controls itself; the others would still confuse terminals and line readers.
  return `${JSON.stringify(object).replace(OTHER_CONTROLS, escapeControl)}\n`;
}

/** DEL, C1 controls, line and paragraph separators, and the marks that reorder text. */
const OTHER_CONTROLS = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function escapeControl(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function timestamp(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** An error reduced to what a log holds of it. */
class PlainError {
  readonly name: string;
  readonly message: string;
  readonly code: unknown;
  readonly stack: string;
  readonly cause: unknown;

  constructor(error: Error, depth: number) {
    this.name = cut(String(error.name), MAX_STRING_LENGTH);
    this.message = cut(String(error.message), MAX_STRING_LENGTH);
    this.code = plain((error as { code?: unknown }).code, depth + 1);
    this.stack = cut(error.stack ?? "", MAX_STACK_LENGTH);
    this.cause = plain(error.cause, depth + 1);
  }

  toJSON(): Record<string, unknown> {
    return { name: this.name, message: this.message, code: this.code, stack: this.stack, cause: this.cause };
  }
}

function* fieldsOf(fields: LogFields): Generator<[string, unknown]> {
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value === undefined) continue;
    yield [name, isSecretName(name) ? REDACTED : plain(value, 0)];
  }
}

/** `value` as strings, finite numbers, booleans, null, arrays, plain objects and {@link PlainError}s, redacted and bounded. */
function plain(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "undefined":
    case "boolean":
      return value;
    case "string":
      return cut(value, MAX_STRING_LENGTH);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
    case "symbol":
      return String(value);
    case "function":
      return `[function ${value.name}]`;
  }
  if (value === null) return null;
  if (isSecretValue(value)) return REDACTED;
  if (value instanceof Error) return depth >= MAX_DEPTH ? "[error]" : new PlainError(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return "[…]";
  if (value instanceof Map) return plainObject(value, depth);
  if (value instanceof Set) return plainArray([...value], depth);
  if (Array.isArray(value)) return plainArray(value, depth);
  return plainObject(Object.entries(value as object), depth);
}

function plainArray(items: readonly unknown[], depth: number): unknown[] {
  const result = items.slice(0, MAX_ITEMS).map(item => plain(item, depth + 1));
  if (items.length > MAX_ITEMS) result.push(`… ${items.length - MAX_ITEMS} more`);
  return result;
}

function plainObject(entries: Iterable<[unknown, unknown]>, depth: number): Record<string, unknown> {
  // Without a prototype, so that a client's "__proto__" is a name like any other.
  const result: Record<string, unknown> = Object.create(null);
  let count = 0;
  for (const [key, value] of entries) {
    if (count++ === MAX_ITEMS) {
      result["…"] = "more";
      break;
    }
    const name = String(key);
    result[name] = isSecretName(name) ? REDACTED : plain(value, depth + 1);
  }
  return result;
}

function cut(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}… (${text.length} characters)`;
}

/** Bare where that is unambiguous, otherwise quoted as JSON. */
function textOf(text: string): string {
  return /^[\w.:/@+\-[\]()*,]+$/.test(text) ? text : JSON.stringify(text).replace(OTHER_CONTROLS, escapeControl);
}

function textValue(value: unknown): string {
  if (typeof value === "string") return value === "" ? '""' : textOf(value);
  if (value instanceof PlainError) {
    const code = value.code === undefined ? "" : ` (${String(value.code)})`;
    return textOf(`${value.name}: ${value.message}${code}`);
  }
  if (typeof value === "object" && value !== null) return JSON.stringify(value).replace(OTHER_CONTROLS, escapeControl);
  return String(value);
}

/** The lines of a stack below its first, which repeats name and message; each begins with a space and so cannot pass for an entry. */
function indent(stack: string): string {
  const frames = stack.split("\n").filter(line => /^\s+at /.test(line));
  return frames.map(frame => `    ${frame.trim().replace(CONTROLS, escapeControl)}\n`).join("");
}

const CONTROLS = /[\p{Cc}\u2028\u2029]/gu;
