/** Turns the JSON that Kafka's converters wrote into what our decoders give. */
import { defaultValue } from "../../protocol/layout.ts";
import type { Field, Fields, PrimitiveKind } from "../../protocol/schema.ts";

type Json = null | boolean | number | bigint | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

/**
 * The value that the exact decoder of a struct should give: every field there, 64-bit integers as bigint, bytes as Buffer.
 *
 * Throws when the JSON has a field that the schema lacks.
 */
export function expectedStruct(fields: Fields, json: JsonObject): Record<string, unknown> {
  const unknown = Object.keys(json).filter(name => !(name in fields));
  if (unknown.length > 0) throw new Error(`the schema has no ${unknown.join(", ")}`);
  const value: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    value[name] = name in json ? expectedValue(field, json[name]) : defaultValue(field, true);
  }
  return value;
}

/** The same value as the ordinary decoder should give it: int64 as number, saturated. */
export function saturated(fields: Fields, exact: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, saturatedValue(field, exact[name])]));
}

/** Whether all int64 in a struct fit a number. */
export function fitsNumbers(fields: Fields, exact: Record<string, unknown>): boolean {
  return Object.entries(fields).every(([name, field]) => {
    const value = exact[name];
    if (value === null) return true;
    if (field.kind === "struct") return fitsNumbers(field.fields, value as Record<string, unknown>);
    if (field.kind === "array") {
      const { element } = field;
      return (value as unknown[]).every(item => {
        if (typeof element !== "string") return fitsNumbers(element, item as Record<string, unknown>);
        return element !== "int64" || Number.isSafeInteger(Number(item));
      });
    }
    return field.kind !== "int64" || Number.isSafeInteger(Number(value));
  });
}

function expectedValue(field: Field, json: Json): unknown {
  if (json === null) return null;
  if (field.kind === "struct") return expectedStruct(field.fields, json as JsonObject);
  if (field.kind !== "array") return expectedPrimitive(field.kind, json);
  const { element } = field;
  return (json as Json[]).map(item =>
    typeof element === "string" ? expectedPrimitive(element, item) : expectedStruct(element, item as JsonObject),
  );
}

function expectedPrimitive(kind: PrimitiveKind, json: Json): unknown {
  switch (kind) {
    case "int64":
    case "bigint64":
      return BigInt(json as number | bigint);
    case "float64":
      return Number(json);
    case "bytes":
    case "records":
      return Buffer.from(json as string, "base64");
    default:
      return json;
  }
}

function saturatedValue(field: Field, value: unknown): unknown {
  if (value === null) return null;
  if (field.kind === "struct") return saturated(field.fields, value as Record<string, unknown>);
  if (field.kind !== "array") return field.kind === "int64" ? saturatedNumber(value as bigint) : value;
  const { element } = field;
  return (value as unknown[]).map(item => {
    if (typeof element !== "string") return saturated(element, item as Record<string, unknown>);
    return element === "int64" ? saturatedNumber(item as bigint) : item;
  });
}

function saturatedNumber(value: bigint): number {
  return Math.min(Math.max(Number(value), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}
