/**
 * A decoded message as the JSON that Kafka's own tools print: fields of the message's version in the schema's order, tagged fields only when they
 * differ from their default, bytes in base64, doubles as Java writes them.
 */
import { isDeepStrictEqual } from "node:util";
import { defaultValue, type Format, layoutOf, type NamedField } from "../../../protocol/layout.ts";
import {
  type Field,
  type Fields,
  includesVersion,
  type Message,
  type PrimitiveKind,
} from "../../../protocol/schema.ts";
import { formatDouble } from "../../config/index.ts";

/** Gives the JSON text of a field in place of the usual one, or null to leave it at that. */
export type FieldFormatter = (path: string, value: unknown) => string | null;

/** `value` is what the message's decoder gave for `version`. */
export function messageJson(
  message: Message,
  version: number,
  value: unknown,
  formatter: FieldFormatter = () => null,
): string {
  const format = { version, flexible: includesVersion(message.flexible, version) };
  return structJson(message.fields, format, value as Record<string, unknown>, "", formatter);
}

function structJson(
  fields: Fields,
  format: Format,
  value: Record<string, unknown>,
  path: string,
  formatter: FieldFormatter,
): string {
  const { all, absent, tagged } = layoutOf(fields, format);
  const isOnWire = (named: NamedField): boolean => !absent.includes(named);
  const isWritten = (named: NamedField): boolean =>
    !tagged.includes(named) || !isDeepStrictEqual(value[named.name], defaultValue(named.field, false));
  const members = all
    .filter(named => isOnWire(named) && isWritten(named))
    .map(({ name, field }) => {
      const inner = path === "" ? name : `${path}.${name}`;
      return `${JSON.stringify(name)}:${formatter(inner, value[name]) ?? fieldJson(field, format, value[name], inner, formatter)}`;
    });
  return `{${members.join(",")}}`;
}

function fieldJson(field: Field, format: Format, value: unknown, path: string, formatter: FieldFormatter): string {
  if (value === null) return "null";
  if (field.kind === "struct")
    return structJson(field.fields, format, value as Record<string, unknown>, path, formatter);
  if (field.kind !== "array") return primitiveJson(field.kind, value);
  const { element } = field;
  const elements = (value as readonly unknown[]).map(entry =>
    typeof element === "string"
      ? primitiveJson(element, entry)
      : structJson(element, format, entry as Record<string, unknown>, path, formatter),
  );
  return `[${elements.join(",")}]`;
}

function primitiveJson(kind: PrimitiveKind, value: unknown): string {
  switch (kind) {
    case "bytes":
    case "records":
      return JSON.stringify(Buffer.from(value as Uint8Array).toString("base64"));
    case "float64":
      return formatDouble(value as number);
    case "string":
    case "uuid":
      return JSON.stringify(value);
    default:
      return String(value);
  }
}
