/** Configuration values: text → value as Kafka's ConfigDef reads it, and value → text as DescribeConfigs prints it. */
import type { AnyConfigValue, ConfigDefinition, ConfigType } from "./definition.ts";
import { Password } from "./password.ts";

export type ParseOutcome = { ok: true; value: Exclude<AnyConfigValue, null> } | { ok: false; expected: string };

/** Reads `text` as a value of `definition`'s type and checks its range. Never throws. */
export function parseValue(definition: ConfigDefinition, text: string): ParseOutcome {
  const outcome = parseType(definition.type, text);
  if (outcome.ok && definition.valid && !definition.valid.accepts(outcome.value)) {
    return { ok: false, expected: definition.valid.expected };
  }
  return outcome;
}

/** `text` as Kafka prints it once parsed: `007` → `7`, ` a , b` → `a,b`. Assumes that it parses. */
export function canonicalText(type: ConfigType, text: string): string {
  if (type === "long") return BigInt(text.trim()).toString();
  const outcome = parseType(type, text);
  return outcome.ok && type !== "password" ? formatValue(type, outcome.value)! : text;
}

/** `value` as Kafka prints it. Passwords print as `[hidden]`. */
export function formatValue(type: ConfigType, value: AnyConfigValue): string | null {
  if (value === null) return null;
  if (Array.isArray(value)) return value.join(",");
  if (type === "long" && value === Number.MAX_SAFE_INTEGER) return "9223372036854775807";
  if (type === "double") return formatDouble(value as number);
  return String(value);
}

/** A double as Java prints it: at least one decimal, an exponent from 10^7 up and below 10^-3. */
export function formatDouble(value: number): string {
  const magnitude = Math.abs(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  if (magnitude !== 0 && (magnitude >= 1e7 || magnitude < 1e-3)) {
    const [mantissa, exponent] = value.toExponential().split("e");
    return `${mantissa!.includes(".") ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function parseType(type: ConfigType, text: string): ParseOutcome {
  const trimmed = text.trim();
  switch (type) {
    case "boolean":
      if (/^true$/i.test(trimmed)) return { ok: true, value: true };
      if (/^false$/i.test(trimmed)) return { ok: true, value: false };
      return { ok: false, expected: "true or false" };
    case "int":
      return parseInteger(trimmed, 31n, "a whole number (32 bits)");
    case "short":
      return parseInteger(trimmed, 15n, "a whole number (16 bits)");
    case "long":
      return parseInteger(trimmed, 63n, "a whole number (64 bits)");
    case "double":
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[df]?$/i.test(trimmed)
        ? { ok: true, value: Number(trimmed.replace(/[df]$/i, "")) }
        : { ok: false, expected: "a number" };
    case "list":
      return { ok: true, value: Object.freeze(trimmed === "" ? [] : trimmed.split(/\s*,\s*/)) };
    case "password":
      return { ok: true, value: new Password(trimmed) };
    case "string":
    case "class":
      return { ok: true, value: trimmed };
  }
}

function parseInteger(text: string, bits: bigint, expected: string): ParseOutcome {
  if (!/^[+-]?\d{1,24}$/.test(text)) return { ok: false, expected };
  const exact = BigInt(text.startsWith("+") ? text.slice(1) : text);
  if (exact < -(1n << bits) || exact >= 1n << bits) return { ok: false, expected };
  const saturated = Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(exact)));
  return { ok: true, value: saturated };
}
