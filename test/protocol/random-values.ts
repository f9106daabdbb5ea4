/** Random values of messages, as fast-check arbitraries made from their schemas. */
import fc from "fast-check";
import { defaultValue } from "../../protocol/layout.ts";
import {
  type ArrayField,
  type Field,
  type Fields,
  includesVersion,
  type PrimitiveKind,
} from "../../protocol/schema.ts";

/** Structs that the encoder of this version takes: fields that the version lacks have their defaults. */
export function structArbitrary(fields: Fields, version: number): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(fields).map(([name, field]) => [name, fieldArbitrary(field, version)] as const);
  return fc.record(Object.fromEntries(entries));
}

function fieldArbitrary(field: Field, version: number): fc.Arbitrary<unknown> {
  if (!includesVersion(field.versions, version)) return fc.constant(defaultValue(field, false));
  const value =
    field.kind === "struct"
      ? structArbitrary(field.fields, version)
      : field.kind === "array"
        ? fc.array(elementArbitrary(field.element, version), { maxLength: 3 })
        : primitives[field.kind];
  const alternatives = [{ weight: 6, arbitrary: value as fc.Arbitrary<unknown> }];
  if (includesVersion(field.nullable, version)) alternatives.push({ weight: 1, arbitrary: fc.constant(null) });
  if (field.tag >= 0) alternatives.push({ weight: 3, arbitrary: fc.constant(defaultValue(field, false)) });
  return fc.oneof(...alternatives);
}

function elementArbitrary(element: ArrayField["element"], version: number): fc.Arbitrary<unknown> {
  return typeof element === "string" ? primitives[element] : structArbitrary(element, version);
}

const bytes = fc.uint8Array({ maxLength: 40 }).map(array => Buffer.from(array));
const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: "binary", maxLength: 70 }));

const primitives: Record<PrimitiveKind, fc.Arbitrary<unknown>> = {
  bool: fc.boolean(),
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  uint16: fc.integer({ min: 0, max: 65535 }),
  int32: fc.integer(),
  uint32: fc.integer({ min: 0, max: 0xffffffff }),
  int64: fc.maxSafeInteger(),
  bigint64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  float64: fc.double(),
  string: text,
  bytes,
  records: bytes,
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(array => Buffer.from(array).toString("base64url")),
};
