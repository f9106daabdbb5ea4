/**
 * Schemas of Kafka messages as plain values.
 *
 * A schema says for each field its type and in which versions it is there; key order is wire order. One decoded object type serves all
 * versions of a message: a field that a version lacks decodes to its default. Types are inferred from the schema ({@link ValueOf},
 * {@link InputOf}), codecs are made from it by `compile.ts` (fast) and `interpret.ts` (plain).
 *
 * ```ts
 * const Heartbeat = api({
 *   key: 12, name: "Heartbeat", versions: "0-4", flexible: "4+", listeners: ["broker"],
 *   request: { groupId: string("0+"), instanceId: string("3+", { nullable: "3+", default: null }) },
 *   response: { throttleTimeMs: int32("1+", { ignorable: true }), errorCode: int16("0+") },
 * });
 * type Request = RequestOf<typeof Heartbeat>; // { groupId: string; instanceId: string | null }
 * ```
 *
 * JavaScript types of the field types:
 * - `bool int8 int16 uint16 int32 uint32 float64`: boolean and number.
 * - `int64`: number. Decoding saturates at ±Number.MAX_SAFE_INTEGER; encoding takes safe integers only.
 * - `bigint64`: the same bytes as int64, as bigint, for values that must come back exactly. Encoding takes integers of either type.
 * - `string`: string. `uuid`: 22 letters of base64url, as Kafka prints it.
 * - `bytes`: Buffer, a slice of the decoded buffer. `records`: likewise; encoding also takes a list of chunks.
 *
 * Source: the message format of KIP-482 and `clients/src/main/resources/common/message/README.md` of Apache Kafka.
 */

/** Versions as Kafka writes them: `"3"`, `"0-4"`, `"2+"` or `"none"`. */
export type Versions = string;

/** An inclusive range of versions. Empty when `min > max`. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** The types a single field can have on the wire, structs and arrays aside. */
export type PrimitiveKind =
  | "bool"
  | "int8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "bigint64"
  | "float64"
  | "string"
  | "bytes"
  | "records"
  | "uuid";

/** The key under which a field or element carries its JavaScript types; exists for the type checker only. */
declare const type: unique symbol;

/** Something with a type of its values and one of what encoders take. */
export interface Typed<Value, Input> {
  readonly [type]: { readonly value: Value; readonly input: Input };
}

/** The same of a field, and whether encoders do without it. */
export interface TypedField<Value, Input, Optional extends boolean> extends Typed<Value, Input> {
  readonly [type]: { readonly value: Value; readonly input: Input; readonly optional: Optional };
}

/** What every field says about itself, whatever its type. */
export interface FieldFacts {
  /** Versions of the message that have this field. */
  readonly versions: VersionRange;
  /** Versions in which the field may be null. */
  readonly nullable: VersionRange;
  /** Versions in which the field is a tagged one; -1 as tag when it never is. */
  readonly tagged: VersionRange;
  readonly tag: number;
  /** The default as the schema gives it; undefined stands for the type's own (zero, empty). */
  readonly default: FieldDefault | undefined;
  /** Whether a value may be dropped in silence when it is written in a version that lacks the field. */
  readonly ignorable: boolean;
  /** False for a string that keeps the old length format in flexible versions (the client id of request headers). */
  readonly flexible: boolean;
}

export type FieldDefault = null | boolean | number | bigint | string;

/** A field of a primitive type. */
export interface PrimitiveField extends FieldFacts {
  readonly kind: PrimitiveKind;
}

/** A nested struct. */
export interface StructField extends FieldFacts {
  readonly kind: "struct";
  readonly fields: Fields;
}

/** An array. `element` is a primitive type or the fields of a struct. */
export interface ArrayField extends FieldFacts {
  readonly kind: "array";
  readonly element: PrimitiveKind | Fields;
}

/** A field of a message: what it is at run time, and its JavaScript types. */
export type Field<
  // biome-ignore lint/suspicious/noExplicitAny: the widest field; narrowed wherever one is made
  Value = any,
  // biome-ignore lint/suspicious/noExplicitAny: as above
  Input = any,
  Optional extends boolean = boolean,
> = (PrimitiveField | StructField | ArrayField) & TypedField<Value, Input, Optional>;

/** The fields of a message or struct, in wire order. */
export interface Fields {
  readonly [name: string]: Field;
}

/** A decoded struct: every field is there. */
export type FieldValues<F extends Fields> = { [K in keyof F]: F[K][typeof type]["value"] };

/** A struct to encode: a field with an explicit default or a tag may be left out. */
export type FieldInputs<F extends Fields> = {
  [K in keyof F as F[K][typeof type]["optional"] extends true ? never : K]: F[K][typeof type]["input"];
} & {
  [K in keyof F as F[K][typeof type]["optional"] extends true ? K : never]?: F[K][typeof type]["input"];
};

/** What decoding a message gives. */
export type ValueOf<M extends { readonly fields: Fields }> = FieldValues<M["fields"]>;
/** What encoding a message takes. Every {@link ValueOf} is one. */
export type InputOf<M extends { readonly fields: Fields }> = FieldInputs<M["fields"]>;
export type RequestOf<A extends { readonly request: { readonly fields: Fields } }> = FieldValues<
  A["request"]["fields"]
>;
export type RequestInputOf<A extends { readonly request: { readonly fields: Fields } }> = FieldInputs<
  A["request"]["fields"]
>;
export type ResponseOf<A extends { readonly response: { readonly fields: Fields } }> = FieldValues<
  A["response"]["fields"]
>;
export type ResponseInputOf<A extends { readonly response: { readonly fields: Fields } }> = FieldInputs<
  A["response"]["fields"]
>;

/** A message with a codec of its own: one direction of an API, a header, a record. */
export interface Message<F extends Fields = Fields> {
  readonly name: string;
  /** API key of a request or response, type number of a record; -1 when it has none. */
  readonly key: number;
  readonly versions: VersionRange;
  /** Versions in the flexible format of KIP-482: compact lengths and tagged fields. */
  readonly flexible: VersionRange;
  readonly fields: F;
}

export type Listener = "broker" | "controller";

/** A request and its response. */
export interface Api<Request extends Fields = Fields, Response extends Fields = Fields> {
  readonly key: number;
  readonly name: string;
  /** Versions that have a schema. */
  readonly versions: VersionRange;
  /** Versions that Kafka names in its ApiVersions reply, where it serves the API at all. */
  readonly advertised: VersionRange;
  readonly flexible: VersionRange;
  /** Listeners that Kafka serves this API on. */
  readonly listeners: readonly Listener[];
  /** Whether the newest version may still change and so is not advertised. */
  readonly latestVersionUnstable: boolean;
  readonly request: Message<Request>;
  readonly response: Message<Response>;
}

/** Declares an API: both directions of one key, in all versions. */
export function api<Request extends Fields, Response extends Fields>(definition: {
  key: number;
  name: string;
  versions: Versions;
  advertised?: Versions;
  flexible: Versions;
  listeners: readonly Listener[];
  latestVersionUnstable?: boolean;
  request: Request;
  response: Response;
}): Api<Request, Response> {
  const { key, name, latestVersionUnstable = false } = definition;
  const versions = parseVersions(definition.versions);
  const stable = latestVersionUnstable ? { min: versions.min, max: versions.max - 1 } : versions;
  const common = { key, versions, flexible: parseVersions(definition.flexible) };
  return Object.freeze({
    ...common,
    name,
    advertised: definition.advertised === undefined ? stable : parseVersions(definition.advertised),
    listeners: definition.listeners,
    latestVersionUnstable,
    request: Object.freeze({ ...common, name: `${name}Request`, fields: Object.freeze(definition.request) }),
    response: Object.freeze({ ...common, name: `${name}Response`, fields: Object.freeze(definition.response) }),
  });
}

/** Declares a message that is not part of an API: a header, a record, an embedded protocol. */
export function message<F extends Fields>(definition: {
  name: string;
  key?: number;
  versions: Versions;
  flexible: Versions;
  fields: F;
}): Message<F> {
  return Object.freeze({
    name: definition.name,
    key: definition.key ?? -1,
    versions: parseVersions(definition.versions),
    flexible: parseVersions(definition.flexible),
    fields: Object.freeze(definition.fields),
  });
}

/** What a field may say beyond its type and versions. */
export interface FieldOptions<Default> {
  /** Versions in which null is allowed. */
  readonly nullable?: Versions;
  readonly default?: Default | null;
  /** Makes the field a tagged one, in the versions of `tagged`. */
  readonly tag?: number;
  /** Versions in which the field is tagged; all of its versions when left out. */
  readonly tagged?: Versions;
  readonly ignorable?: boolean;
  /** `"none"` keeps the old length format of a string in flexible versions. */
  readonly flexible?: "none";
}

type OrNull<O> = O extends { readonly nullable: Versions } ? null : never;
type IsOptional<O> = O extends { readonly default: unknown } | { readonly tag: number } ? true : false;
type NoOptions = Record<never, never>;

/** Makes fields of one primitive type; passed bare, it is an array's element type. */
export interface Primitive<Value, Input, Default> extends Typed<Value, Input> {
  <const O extends FieldOptions<Default> = NoOptions>(
    versions: Versions,
    options?: O,
  ): PrimitiveField & TypedField<Value | OrNull<O>, Input | OrNull<O>, IsOptional<O>>;
  readonly kind: PrimitiveKind;
}

export const bool = primitive<boolean, boolean, boolean>("bool");
export const int8 = primitive<number, number, number>("int8");
export const int16 = primitive<number, number, number>("int16");
export const uint16 = primitive<number, number, number>("uint16");
export const int32 = primitive<number, number, number>("int32");
export const uint32 = primitive<number, number, number>("uint32");
export const int64 = primitive<number, number, number>("int64");
export const bigint64 = primitive<bigint, bigint | number, bigint>("bigint64");
export const float64 = primitive<number, number, number>("float64");
export const string = primitive<string, string, string>("string");
export const bytes = primitive<Buffer, Buffer, never>("bytes");
export const records = primitive<Buffer, Buffer | readonly Buffer[], never>("records");
export const uuid = primitive<string, string, never>("uuid");

/** The value of a uuid field that is not set: sixteen zero bytes. */
export const ZERO_UUID = "AAAAAAAAAAAAAAAAAAAAAA";

// biome-ignore lint/suspicious/noExplicitAny: any primitive will do as an element
type Element = Fields | Primitive<any, any, any>;
// biome-ignore lint/suspicious/noExplicitAny: only the type member matters
type ElementValue<E> = E extends Typed<any, any> ? E[typeof type]["value"] : E extends Fields ? FieldValues<E> : never;
// biome-ignore lint/suspicious/noExplicitAny: only the type member matters
type ElementInput<E> = E extends Typed<any, any> ? E[typeof type]["input"] : E extends Fields ? FieldInputs<E> : never;

/**
 * An array field.
 *
 * @param element what it holds: a primitive (`int32`) or the fields of a struct
 */
export function array<E extends Element, const O extends FieldOptions<never> = NoOptions>(
  versions: Versions,
  element: E,
  options?: O,
): ArrayField & TypedField<ElementValue<E>[] | OrNull<O>, readonly ElementInput<E>[] | OrNull<O>, IsOptional<O>> {
  const isPrimitive = typeof element === "function";
  return Object.freeze({
    kind: "array",
    ...factsOf(versions, options),
    element: isPrimitive ? (element as Primitive<unknown, unknown, unknown>).kind : Object.freeze(element as Fields),
  }) as never;
}

/** A nested struct field. */
export function struct<F extends Fields, const O extends FieldOptions<never> = NoOptions>(
  versions: Versions,
  fields: F,
  options?: O,
): StructField & TypedField<FieldValues<F> | OrNull<O>, FieldInputs<F> | OrNull<O>, IsOptional<O>> {
  return Object.freeze({ kind: "struct", ...factsOf(versions, options), fields: Object.freeze(fields) }) as never;
}

/** The highest version number there can be; what `"3+"` goes up to. */
const HIGHEST_VERSION = 32767;
const NO_VERSIONS: VersionRange = Object.freeze({ min: 1, max: 0 });

/** Reads Kafka's notation of versions. Throws on anything else. */
export function parseVersions(text: Versions): VersionRange {
  if (text === "none") return NO_VERSIONS;
  const match = /^(\d+)(\+|-(\d+))?$/.exec(text);
  if (match === null) throw new Error(`"${text}" is not a range of versions`);
  const min = Number(match[1]);
  const max = match[3] !== undefined ? Number(match[3]) : match[2] === "+" ? HIGHEST_VERSION : min;
  return Object.freeze({ min, max });
}

/** Writes a range in Kafka's notation. */
export function formatVersions({ min, max }: VersionRange): Versions {
  if (min > max) return "none";
  if (min === max) return `${min}`;
  return max === HIGHEST_VERSION ? `${min}+` : `${min}-${max}`;
}

/** Whether `version` lies in `range`. */
export function includesVersion(range: VersionRange, version: number): boolean {
  return range.min <= version && version <= range.max;
}

function primitive<Value, Input, Default>(kind: PrimitiveKind): Primitive<Value, Input, Default> {
  const make = (versions: Versions, options?: FieldOptions<Default>) =>
    Object.freeze({ kind, ...factsOf(versions, options) });
  return Object.assign(make, { kind }) as never;
}

function factsOf(versionsText: Versions, options: FieldOptions<unknown> = {}): FieldFacts {
  const versions = parseVersions(versionsText);
  const { tag = -1, tagged } = options;
  return {
    versions,
    nullable: parseVersions(options.nullable ?? "none"),
    tagged: tag < 0 ? NO_VERSIONS : tagged === undefined ? versions : parseVersions(tagged),
    tag,
    default: options.default as FieldDefault | undefined,
    ignorable: options.ignorable ?? false,
    flexible: options.flexible !== "none",
  };
}
