/**
 * How a struct lies on the wire in one version: which fields are there, in which order, how few bytes they can take, and what stands in
 * for the ones that are not. What compiled and interpreted codecs have in common.
 */
import {
  type ArrayField,
  type Field,
  type FieldDefault,
  type Fields,
  includesVersion,
  type PrimitiveKind,
  type StructField,
  ZERO_UUID,
} from "./schema.ts";

/** A field under its name. */
export interface NamedField {
  readonly name: string;
  readonly field: Field;
}

/** A struct in one version. */
export interface Layout {
  /** All fields in schema order, the order of the keys of a decoded object. */
  readonly all: readonly NamedField[];
  /** Fields on the wire one after the other, in wire order. */
  readonly plain: readonly NamedField[];
  /** Fields in the section of tagged fields, by ascending tag. */
  readonly tagged: readonly NamedField[];
  /** Fields that this version lacks. */
  readonly absent: readonly NamedField[];
}

/** A version of a message: the number, and whether it is one of the flexible ones. */
export interface Format {
  readonly version: number;
  readonly flexible: boolean;
}

export function layoutOf(fields: Fields, { version, flexible }: Format): Layout {
  const all = Object.entries(fields).map(([name, field]) => ({ name, field }));
  const isTagged = (field: Field) => flexible && includesVersion(field.tagged, version);
  return {
    all,
    plain: all.filter(({ field }) => includesVersion(field.versions, version) && !isTagged(field)),
    tagged: all.filter(({ field }) => isTagged(field)).sort((a, b) => a.field.tag - b.field.tag),
    absent: all.filter(({ field }) => !includesVersion(field.versions, version) && !isTagged(field)),
  };
}

/** Types whose size is always the same, in bytes. */
const FIXED_SIZES_BYTES: Readonly<Record<PrimitiveKind, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  bigint64: 8,
  float64: 8,
  uuid: 16,
  string: 0,
  bytes: 0,
  records: 0,
};

/** The size of a type whose size is always the same; 0 for one that has a length. */
export function fixedSizeOfKind(kind: PrimitiveKind): number {
  return FIXED_SIZES_BYTES[kind];
}

/** The size of a field whose size is always the same in this version; 0 for others. */
export function fixedSizeOf(field: Field, format: Format): number {
  if (field.kind === "array") return 0;
  if (field.kind !== "struct") return FIXED_SIZES_BYTES[field.kind];
  if (isNullable(field, format)) return 0;
  const { plain, tagged } = layoutOf(field.fields, format);
  let sizeBytes = format.flexible ? 1 : 0;
  for (const { field: inner } of plain) {
    const innerBytes = fixedSizeOf(inner, format);
    if (innerBytes === 0) return 0;
    sizeBytes += innerBytes;
  }
  return tagged.length === 0 ? sizeBytes : 0;
}

/** The fewest bytes an element of an array can take, at least 1. */
export function minElementSizeOf(element: ArrayField["element"], format: Format): number {
  return Math.max(1, typeof element === "string" ? minSizeOfKind(element, format) : minSizeOfFields(element, format));
}

export function isNullable(field: Field, { version }: Format): boolean {
  return includesVersion(field.nullable, version);
}

/** Whether a string, bytes or array has its length as a varint of one more. */
export function isCompact(field: Field, { flexible }: Format): boolean {
  return flexible && field.flexible;
}

/** The default of a field other than a struct that is not null: the schema's, else the type's own. An array's `[]` is a new one each time. */
export function defaultOf(
  field: Field,
  exact: boolean,
): Exclude<FieldDefault, undefined> | Buffer | readonly never[] | undefined {
  if (field.default !== undefined) {
    return exact && field.kind === "int64" ? BigInt(field.default as number) : field.default;
  }
  switch (field.kind) {
    case "bool":
      return false;
    case "string":
      return "";
    case "uuid":
      return ZERO_UUID;
    case "bytes":
    case "records":
      return NO_BYTES;
    case "array":
      return [];
    case "struct":
      return undefined;
    case "bigint64":
      return 0n;
    case "int64":
      return exact ? 0n : 0;
    default:
      return 0;
  }
}

/** The byte that stands for a struct that is null; 1 precedes one that is not. */
export const NULL_STRUCT = -1;
/** The same where the struct is a tagged field: there Kafka writes the length of null, as for any other type. */
export const NULL_TAGGED_STRUCT = 0;

/** The default of bytes. */
export const NO_BYTES: Buffer = Buffer.alloc(0);

/** A decoded struct with every field at its default. */
export function defaultStruct(field: StructField | { fields: Fields }, exact: boolean): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(field.fields)) value[name] = defaultValue(inner, exact);
  return value;
}

/** The default of any field. */
export function defaultValue(field: Field, exact: boolean): unknown {
  if (field.kind === "struct" && field.default !== null) return defaultStruct(field, exact);
  return defaultOf(field, exact);
}

function minSizeOfKind(kind: PrimitiveKind, { flexible }: Format): number {
  return FIXED_SIZES_BYTES[kind] || (flexible ? 1 : kind === "string" ? 2 : 4);
}

function minSizeOfFields(fields: Fields, format: Format): number {
  let sizeBytes = format.flexible ? 1 : 0;
  for (const { field } of layoutOf(fields, format).plain) sizeBytes += minSizeOf(field, format);
  return sizeBytes;
}

function minSizeOf(field: Field, format: Format): number {
  if (field.kind === "array") return format.flexible ? 1 : 4;
  if (field.kind !== "struct") return minSizeOfKind(field.kind, format);
  return isNullable(field, format) ? 1 : minSizeOfFields(field.fields, format);
}
