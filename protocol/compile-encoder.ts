/**
 * Writes the source of an encoder: one function for one message in one version, without a call per field.
 *
 * The function keeps the slab, the position and the end of its room in local variables `b`, `p` and `end` of the writer `w`. Room is asked
 * for once for each run of fields of fixed size and once for each value with a length. The content of a tagged field of unknown size goes
 * through a writer of its own, whose variables shadow the outer ones.
 */
import {
  defaultOf,
  defaultValue,
  type Format,
  fixedSizeOf,
  fixedSizeOfKind,
  isCompact,
  isNullable,
  layoutOf,
  type NamedField,
  NULL_STRUCT,
  NULL_TAGGED_STRUCT,
} from "./layout.ts";
import { MAX_BYTES_PER_CODE_UNIT, MAX_VARINT_SIZE_BYTES } from "./primitives.ts";
import type { ArrayField, Field, Fields, Message, PrimitiveKind } from "./schema.ts";
import { literal, SourceText } from "./source-text.ts";

/** The source of the expression `function name(w, value) { … }`. */
export function encoderSource(message: Message, format: Format, exact: boolean): string {
  return new EncoderSource(format, exact).write(message);
}

class EncoderSource {
  readonly #text = new SourceText();
  readonly #format: Format;
  readonly #exact: boolean;

  constructor(format: Format, exact: boolean) {
    this.#format = format;
    this.#exact = exact;
  }

  write(message: Message): string {
    this.#line(`function encode${message.name}V${this.#format.version}(w, value) {`);
    this.#line("let b = w.buffer, p = w.position, end = w.end, n = 0;");
    this.#struct(message.fields, "value", message.name);
    this.#line("w.position = p;");
    this.#line("}");
    return this.#text.toString();
  }

  #struct(fields: Fields, value: string, path: string): void {
    const { plain, tagged, absent } = layoutOf(fields, this.#format);
    for (const { name, field } of absent) {
      if (field.ignorable) continue;
      const differs = this.#differsFromDefault(field, `${value}.${name}`);
      this.#line(`if (${differs}) throwUnsupported("${path}.${name}", ${this.#format.version});`);
    }
    for (let index = 0; index < plain.length; index++) {
      const run = runOfFixed(plain, index);
      if (run.length === 0) {
        const { name, field } = plain[index];
        this.#field(field, this.#load(field, `${value}.${name}`), `${path}.${name}`);
        continue;
      }
      const endsStruct = index + run.length === plain.length;
      const emptyTagsBytes = endsStruct && this.#format.flexible && tagged.length === 0 ? 1 : 0;
      this.#room(`${run.reduce((sum, { kind }) => sum + fixedSizeOfKind(kind), emptyTagsBytes)}`);
      for (const { name, field, kind } of run) {
        this.#fixed(kind, this.#load(field, `${value}.${name}`), `${path}.${name}`);
      }
      index += run.length - 1;
    }
    if (this.#format.flexible) this.#taggedFields(tagged, value, path, plain);
  }

  #taggedFields(tagged: readonly NamedField[], value: string, path: string, plain: readonly NamedField[]): void {
    if (tagged.length === 0) {
      const last = plain.at(-1)?.field;
      const roomIsThere = last !== undefined && isFixed(last);
      if (!roomIsThere) this.#room("1");
      this.#line("b[p++] = 0;");
      return;
    }
    const flags = tagged.map(({ name, field }) => {
      const flag = this.#text.name("t");
      this.#line(`const ${flag} = ${this.#differsFromDefault(field, `${value}.${name}`)};`);
      return flag;
    });
    this.#room("1");
    this.#line(`b[p++] = ${flags.map(flag => `(${flag} ? 1 : 0)`).join(" + ")};`);
    for (const [index, { name, field }] of tagged.entries()) {
      this.#line(`if (${flags[index]}) {`);
      this.#taggedField(field, `${value}.${name}`, `${path}.${name}`);
      this.#line("}");
    }
  }

  #taggedField(field: Field, value: string, path: string): void {
    const sizeBytes = fixedSizeOf(field, this.#format);
    this.#room(`${2 * MAX_VARINT_SIZE_BYTES}`);
    this.#line(`p = writeUnsignedVarint(b, p, ${field.tag});`);
    if (sizeBytes > 0) {
      this.#line(`p = writeUnsignedVarint(b, p, ${sizeBytes});`);
      this.#field(field, value, path);
      return;
    }
    const outer = this.#text.name("w");
    this.#line("w.position = p;");
    this.#line(`const ${outer} = w;`);
    this.#line("{");
    this.#line("const w = new Writer();");
    this.#line("let b = w.buffer, p = 0, end = 0;");
    this.#field(field, value, path, NULL_TAGGED_STRUCT);
    this.#line("w.position = p;");
    this.#line(`${outer}.sized(w);`);
    this.#line("}");
    this.#refresh();
  }

  /** Writes one field. `value` is an expression that is cheap to repeat. */
  #field(field: Field, value: string, path: string, nullMarker = NULL_STRUCT): void {
    if (field.kind === "struct") {
      this.#nestedStruct(field.fields, isNullable(field, this.#format) ? nullMarker : undefined, value, path);
    } else if (field.kind === "array") this.#array(field, value, path);
    else if (fixedSizeOfKind(field.kind) > 0) {
      this.#room(`${fixedSizeOfKind(field.kind)}`);
      this.#fixed(field.kind, value, path);
    } else this.#sized(field.kind, isCompact(field, this.#format), isNullable(field, this.#format), value, path);
  }

  /** `nullMarker` stands for null; undefined when the struct cannot be. */
  #nestedStruct(fields: Fields, nullMarker: number | undefined, value: string, path: string): void {
    if (nullMarker !== undefined) {
      this.#room("1");
      this.#line(`if (${value} === null) b[p++] = ${nullMarker & 255};`);
      this.#line("else {");
      this.#line("b[p++] = 1;");
    } else this.#line("{");
    this.#line(`if (typeof ${value} !== "object" || ${value} === null) throwType("struct (${path})", ${value});`);
    this.#struct(fields, value, path);
    this.#line("}");
  }

  /** A string, bytes or records. */
  #sized(kind: PrimitiveKind, compact: boolean, nullable: boolean, value: string, path: string): void {
    const lengthSizeBytes = kind === "string" ? 2 : 4;
    if (nullable) this.#nullOr(compact, lengthSizeBytes, value);
    else this.#line("{");
    if (kind === "string") {
      this.#line(`if (typeof ${value} !== "string") throwType("string (${path})", ${value});`);
      this.#room(`${MAX_VARINT_SIZE_BYTES} + ${MAX_BYTES_PER_CODE_UNIT} * ${value}.length`);
      this.#line(`p = writeString(b, p, ${value}, ${compact});`);
    } else {
      this.#line(`n = sizeOfBytes(${value});`);
      this.#count(compact, "n");
      this.#line("w.position = p;");
      this.#line(`w.raw(${value});`);
      this.#refresh();
    }
    this.#line("}");
  }

  #array(field: ArrayField, value: string, path: string): void {
    const compact = isCompact(field as Field, this.#format);
    if (isNullable(field as Field, this.#format)) this.#nullOr(compact, 4, value);
    else this.#line("{");
    const [count, index, element] = [this.#text.name("n"), this.#text.name("i"), this.#text.name("x")];
    this.#line(`if (!Array.isArray(${value})) throwType("array (${path})", ${value});`);
    this.#line(`const ${count} = ${value}.length;`);
    this.#count(compact, count);
    this.#line(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`);
    this.#line(`const ${element} = ${value}[${index}];`);
    this.#element(field.element, element, path);
    this.#line("}");
    this.#line("}");
  }

  #element(element: ArrayField["element"], value: string, path: string): void {
    if (typeof element !== "string") {
      this.#line(`if (typeof ${value} !== "object" || ${value} === null) throwType("struct (${path})", ${value});`);
      this.#struct(element, value, path);
    } else if (fixedSizeOfKind(element) > 0) {
      this.#room(`${fixedSizeOfKind(element)}`);
      this.#fixed(element, value, path);
    } else this.#sized(element, this.#format.flexible, false, value, path);
  }

  /** Writes the length of null if it is null; opens the block for when it is not. */
  #nullOr(compact: boolean, lengthSizeBytes: 2 | 4, value: string): void {
    this.#line(`if (${value} === null) {`);
    this.#room(`${compact ? 1 : lengthSizeBytes}`);
    if (compact) this.#line("b[p++] = 0;");
    else this.#line(lengthSizeBytes === 2 ? "b[p++] = 255; b[p++] = 255;" : "p = writeInt32(b, p, -1);");
    this.#line("} else {");
  }

  /** Writes the length of bytes or an array. */
  #count(compact: boolean, count: string): void {
    this.#room(`${MAX_VARINT_SIZE_BYTES}`);
    this.#line(compact ? `p = writeUnsignedVarint(b, p, ${count} + 1);` : `p = writeInt32(b, p, ${count});`);
  }

  /** Writes a value of fixed size; the room is there. */
  #fixed(kind: PrimitiveKind, value: string, path: string): void {
    const check = this.#rangeCheck(kind, value);
    if (check !== "") this.#line(`if (!(${check})) throwRange("${kind} (${path})", ${value});`);
    this.#line(this.#fixedWrite(kind, value));
  }

  /** The expression that tells whether a value fits; empty for types whose writing function sees to it. */
  #rangeCheck(kind: PrimitiveKind, value: string): string {
    switch (kind) {
      case "bool":
        return `typeof ${value} === "boolean"`;
      case "int8":
        return `${value} === ${value} << 24 >> 24`;
      case "int16":
        return `${value} === ${value} << 16 >> 16`;
      case "uint16":
        return `${value} === (${value} & 65535)`;
      case "int32":
        return `${value} === (${value} | 0)`;
      case "uint32":
        return `${value} === ${value} >>> 0`;
      case "int64":
        return this.#exact ? "" : `Number.isSafeInteger(${value})`;
      case "float64":
        return `typeof ${value} === "number"`;
      default:
        return "";
    }
  }

  #fixedWrite(kind: PrimitiveKind, value: string): string {
    switch (kind) {
      case "bool":
        return `b[p++] = ${value} ? 1 : 0;`;
      case "int8":
        return `b[p++] = ${value};`;
      case "int16":
      case "uint16":
        return `b[p++] = ${value} >> 8; b[p++] = ${value};`;
      case "int32":
      case "uint32":
        return `p = writeInt32(b, p, ${value});`;
      case "int64":
        return this.#exact ? `p = writeBigint64(b, p, ${value});` : `p = writeInt64(b, p, ${value});`;
      case "bigint64":
        return `p = writeBigint64(b, p, ${value});`;
      case "float64":
        return `p = b.writeDoubleBE(${value}, p);`;
      case "uuid":
        return `p = writeUuid(b, p, ${value});`;
      default:
        throw new Error(`${kind} has no fixed size`);
    }
  }

  /** Puts a field into a variable, its default where it may be left out; gives the variable. */
  #load(field: Field, value: string): string {
    const variable = this.#text.name("x");
    const mayBeLeftOut = field.default !== undefined || field.tag >= 0;
    const orDefault = mayBeLeftOut ? ` === undefined ? ${literal(defaultValue(field, this.#exact))} : ${value}` : "";
    this.#line(`const ${variable} = ${value}${orDefault};`);
    return variable;
  }

  /** The expression that tells whether a value is there and not the field's default. */
  #differsFromDefault(field: Field, value: string): string {
    if (field.default === null) return `${value} != null`;
    if (field.kind === "struct") {
      const inner = Object.entries(field.fields).map(([name, field]) =>
        this.#differsFromDefault(field, `${value}.${name}`),
      );
      return `${value} !== undefined && (${[`${value} === null`, ...inner.map(text => `(${text})`)].join(" || ")})`;
    }
    if (field.kind === "array" || field.kind === "bytes" || field.kind === "records") {
      return `${value} !== undefined && (${value} === null || ${value}.length > 0)`;
    }
    // 64-bit values may come as number or bigint, which only the loose comparison takes for the same.
    const isWide = field.kind === "bigint64" || (field.kind === "int64" && this.#exact);
    const fallback = literal(defaultOf(field, this.#exact));
    return `${value} !== undefined && ${value} ${isWide ? "!=" : "!=="} ${fallback}`;
  }

  /** Makes room, which may move the writer to another slab. */
  #room(sizeBytes: string): void {
    this.#line(`if (end - p < ${sizeBytes}) {`);
    this.#line("w.position = p;");
    this.#line(`w.room(${sizeBytes});`);
    this.#refresh();
    this.#line("}");
  }

  /** Takes over what the writer itself changed. */
  #refresh(): void {
    this.#line("b = w.buffer; p = w.position; end = w.end;");
  }

  #line(text: string): void {
    this.#text.line(text);
  }
}

interface FixedField extends NamedField {
  readonly kind: PrimitiveKind;
}

/** The fields from `start` on whose size is always the same. */
function runOfFixed(plain: readonly NamedField[], start: number): FixedField[] {
  const run: FixedField[] = [];
  for (const { name, field } of plain.slice(start)) {
    if (!isFixed(field)) break;
    run.push({ name, field, kind: field.kind as PrimitiveKind });
  }
  return run;
}

function isFixed(field: Field): boolean {
  return field.kind !== "struct" && field.kind !== "array" && fixedSizeOfKind(field.kind) > 0;
}
