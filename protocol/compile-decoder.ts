/**
 * Writes the source of a decoder: one function for one message in one version, without a call per field.
 *
 * The function keeps the buffer, the position and the end in local variables `b`, `p` and `end`. Bounds are checked once for each run of
 * fields of fixed size and once for each length. Every object is one literal with all fields of the schema, whatever the version, so that
 * all versions of a message give objects of the same shape.
 */
import {
  defaultValue,
  type Format,
  fixedSizeOfKind,
  isCompact,
  isNullable,
  type Layout,
  layoutOf,
  minElementSizeOf,
  type NamedField,
  NULL_STRUCT,
  NULL_TAGGED_STRUCT,
} from "./layout.ts";
import { MAX_STRING_SIZE_BYTES } from "./primitives.ts";
import type { ArrayField, Field, Fields, Message, PrimitiveKind } from "./schema.ts";
import { literal, SourceText } from "./source-text.ts";

/** The source of the expression `function name(reader) { … }`. */
export function decoderSource(message: Message, format: Format, exact: boolean): string {
  return new DecoderSource(format, exact).write(message);
}

class DecoderSource {
  readonly #text = new SourceText();
  readonly #format: Format;
  readonly #exact: boolean;

  constructor(format: Format, exact: boolean) {
    this.#format = format;
    this.#exact = exact;
  }

  write(message: Message): string {
    this.#line(`function decode${message.name}V${this.#format.version}(reader) {`);
    this.#line("const b = reader.buffer, end = reader.end;");
    this.#line("let p = reader.position, n = 0;");
    const value = this.#struct(message.fields, message.name);
    this.#line("reader.position = p;");
    this.#line(`return ${value};`);
    this.#line("}");
    return this.#text.toString();
  }

  /** Reads the fields of a struct into variables; gives the literal that puts them together. */
  #struct(fields: Fields, path: string): string {
    const layout = layoutOf(fields, this.#format);
    const values = new Map<string, string>();
    for (const { name, field } of layout.absent) values.set(name, this.#default(field));
    this.#plainFields(layout.plain, path, values);
    if (this.#format.flexible) this.#taggedFields(layout, path, values);
    if (layout.all.length === 0) return "{}";
    return `{ ${layout.all.map(({ name }) => `${name}: ${values.get(name)}`).join(", ")} }`;
  }

  #plainFields(plain: readonly NamedField[], path: string, values: Map<string, string>): void {
    for (let index = 0; index < plain.length; index++) {
      const run = this.#runOfFixed(plain, index);
      if (run.length === 0) {
        const { name, field } = plain[index];
        values.set(name, this.#field(field, `${path}.${name}`));
        continue;
      }
      const sizeBytes = run.reduce((sum, { kind }) => sum + fixedSizeOfKind(kind), 0);
      this.#need(`${sizeBytes}`);
      let offset = 0;
      for (const { name, kind } of run) {
        const variable = this.#text.name("v");
        this.#line(`const ${variable} = ${this.#fixed(kind, offset)};`);
        values.set(name, variable);
        offset += fixedSizeOfKind(kind);
      }
      this.#line(`p += ${sizeBytes};`);
      index += run.length - 1;
    }
  }

  /** The fields from `start` on whose size is always the same. */
  #runOfFixed(plain: readonly NamedField[], start: number): { name: string; kind: PrimitiveKind }[] {
    const run: { name: string; kind: PrimitiveKind }[] = [];
    for (const { name, field } of plain.slice(start)) {
      if (field.kind === "struct" || field.kind === "array" || fixedSizeOfKind(field.kind) === 0) break;
      run.push({ name, kind: field.kind });
    }
    return run;
  }

  #taggedFields({ tagged }: Layout, path: string, values: Map<string, string>): void {
    for (const { name, field } of tagged) {
      const variable = this.#text.name("v");
      values.set(name, variable);
      this.#line(`let ${variable} = ${this.#default(field)};`);
    }
    this.#need("1");
    this.#line("if (b[p] === 0) p += 1;");
    this.#line("else {");
    this.#line("reader.position = p;");
    if (tagged.length === 0) this.#line("reader.skipTags();");
    else this.#knownTags(tagged, path, values);
    this.#line("p = reader.position;");
    this.#line("}");
  }

  #knownTags(tagged: readonly NamedField[], path: string, values: Map<string, string>): void {
    this.#line("let tag = -1;");
    this.#line("for (let tags = reader.unsignedVarint(); tags > 0; tags--) {");
    this.#line("tag = reader.tag(tag);");
    this.#line("n = reader.unsignedVarint();");
    this.#line("p = reader.position;");
    this.#need("n");
    this.#line("const stop = p + n;");
    this.#line("switch (tag) {");
    for (const { name, field } of tagged) {
      this.#line(`case ${field.tag}: {`);
      this.#line(`${values.get(name)} = ${this.#field(field, `${path}.${name}`, NULL_TAGGED_STRUCT)};`);
      this.#line("break;");
      this.#line("}");
    }
    this.#line("default: p = stop;");
    this.#line("}");
    this.#line(`if (p !== stop) throwTagSize("${path}");`);
    this.#line("reader.position = p;");
    this.#line("}");
  }

  /** Reads one field; gives the expression of its value. */
  #field(field: Field, path: string, nullMarker = NULL_STRUCT): string {
    if (field.kind === "struct") {
      return isNullable(field, this.#format)
        ? this.#nullableStruct(field.fields, path, nullMarker)
        : this.#struct(field.fields, path);
    }
    if (field.kind === "array") return this.#array(field, path);
    if (fixedSizeOfKind(field.kind) > 0) {
      this.#need(`${fixedSizeOfKind(field.kind)}`);
      const variable = this.#text.name("v");
      this.#line(`const ${variable} = ${this.#fixed(field.kind, 0)};`);
      this.#line(`p += ${fixedSizeOfKind(field.kind)};`);
      return variable;
    }
    return this.#sized(field.kind, isCompact(field, this.#format), isNullable(field, this.#format), path);
  }

  #nullableStruct(fields: Fields, path: string, nullMarker: number): string {
    const variable = this.#text.name("v");
    this.#line(`let ${variable} = null;`);
    this.#need("1");
    this.#line(nullMarker === NULL_STRUCT ? "if (b[p++] < 128) {" : `if (b[p++] !== ${nullMarker}) {`);
    this.#line(`${variable} = ${this.#struct(fields, path)};`);
    this.#line("}");
    return variable;
  }

  /** A string, bytes or records. */
  #sized(kind: PrimitiveKind, compact: boolean, nullable: boolean, path: string): string {
    const variable = this.#text.name("v");
    this.#line(`let ${variable} = null;`);
    this.#size(compact, kind === "string" ? 2 : 4);
    this.#line("if (n >= 0) {");
    if (kind === "string" && compact) this.#line(`if (n > ${MAX_STRING_SIZE_BYTES}) throwTooLong(n);`);
    this.#need("n");
    this.#line(`${variable} = ${kind === "string" ? "readString(b, p, n)" : "b.subarray(p, p + n)"};`);
    this.#line("p += n;");
    this.#line(nullable ? "}" : `} else throwNull("${path}");`);
    return variable;
  }

  #array(field: ArrayField, path: string): string {
    const [array, count, index] = [this.#text.name("v"), this.#text.name("n"), this.#text.name("i")];
    this.#line(`let ${array} = null;`);
    this.#size(isCompact(field as Field, this.#format), 4);
    this.#line("if (n >= 0) {");
    const minSizeBytes = minElementSizeOf(field.element, this.#format);
    this.#line(`if (n * ${minSizeBytes} > end - p) throwTooMany(n, end - p);`);
    this.#line(`const ${count} = n;`);
    this.#line(`${array} = new Array(${count});`);
    this.#line(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`);
    this.#line(`${array}[${index}] = ${this.#element(field.element, path)};`);
    if (typeof field.element === "string" && fixedSizeOfKind(field.element) > 0) {
      this.#line(`p += ${fixedSizeOfKind(field.element)};`);
    }
    this.#line("}");
    this.#line(isNullable(field as Field, this.#format) ? "}" : `} else throwNull("${path}");`);
    return array;
  }

  /** Reads an element. Elements of fixed size need no check: the count was held against the bytes that remain. */
  #element(element: ArrayField["element"], path: string): string {
    if (typeof element !== "string") return this.#struct(element, path);
    if (fixedSizeOfKind(element) > 0) return this.#fixed(element, 0);
    return this.#sized(element, this.#format.flexible, false, path);
  }

  /** Reads a length into `n`, null as less than 0. */
  #size(compact: boolean, plainSizeBytes: 2 | 4): void {
    if (compact) {
      this.#need("1");
      this.#line("n = b[p++];");
      this.#line("if (n > 127) {");
      this.#line("reader.position = p - 1;");
      this.#line("n = reader.unsignedVarint();");
      this.#line("p = reader.position;");
      this.#line("}");
      this.#line("n -= 1;");
    } else {
      this.#need(`${plainSizeBytes}`);
      this.#line(`n = ${this.#fixed(plainSizeBytes === 2 ? "int16" : "int32", 0)};`);
      this.#line(`p += ${plainSizeBytes};`);
    }
  }

  /** The expression that reads a value of fixed size at `p + offset`. */
  #fixed(kind: PrimitiveKind, offset: number): string {
    const at = (index: number) => (offset + index === 0 ? "b[p]" : `b[p + ${offset + index}]`);
    const position = offset === 0 ? "p" : `p + ${offset}`;
    const int32 = `${at(0)} << 24 | ${at(1)} << 16 | ${at(2)} << 8 | ${at(3)}`;
    switch (kind) {
      case "bool":
        return `${at(0)} !== 0`;
      case "int8":
        return `${at(0)} << 24 >> 24`;
      case "int16":
        return `(${at(0)} << 24 | ${at(1)} << 16) >> 16`;
      case "uint16":
        return `${at(0)} << 8 | ${at(1)}`;
      case "int32":
        return int32;
      case "uint32":
        return `(${int32}) >>> 0`;
      case "int64":
        return this.#exact ? `b.readBigInt64BE(${position})` : `readInt64(b, ${position})`;
      case "bigint64":
        return `b.readBigInt64BE(${position})`;
      case "float64":
        return `b.readDoubleBE(${position})`;
      case "uuid":
        return `readUuid(b, ${position})`;
      default:
        throw new Error(`${kind} has no fixed size`);
    }
  }

  /** Checks that so many bytes remain. */
  #need(sizeBytes: string): void {
    this.#line(`if (end - p < ${sizeBytes}) throwTooShort(${sizeBytes}, end - p);`);
  }

  #default(field: Field): string {
    return literal(defaultValue(field, this.#exact));
  }

  #line(text: string): void {
    this.#text.line(text);
  }
}
