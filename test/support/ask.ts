/** Requests with no more words than a test needs: fields that are left out hold what a version without them would give. */
import type { Api, ArrayField, Fields, RequestInputOf, RequestOf, ResponseOf } from "../../protocol/schema.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import type { RawClient } from "./raw-client.ts";

/** Everything may be left out, at any depth. */
type Sparse<T> = T extends Buffer | bigint | string | number | boolean | null
  ? T
  : T extends readonly (infer E)[]
    ? readonly Sparse<E>[]
    : { readonly [K in keyof T]?: Sparse<T[K]> };

export function ask<A extends Api>(
  client: RawClient,
  api: A,
  version: number,
  request: Sparse<RequestOf<A>>,
): Promise<ResponseOf<A>> {
  const whole = filled(api.request.fields, request as Record<string, unknown>, version);
  return client.request(api, version, whole as RequestInputOf<A>) as Promise<ResponseOf<A>>;
}

function filled(fields: Fields, given: Record<string, unknown>, version: number): Record<string, unknown> {
  const whole: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const isThere = version >= field.versions.min && version <= field.versions.max;
    const value = isThere ? given[name] : undefined;
    if (value === undefined) {
      if (field.default !== undefined && field.kind !== "array" && field.kind !== "struct") continue;
      whole[name] = field.default === null ? null : empty(field.kind);
    } else if (field.kind === "array" && value !== null) whole[name] = filledArray(field, value as unknown[], version);
    else if (field.kind === "struct" && value !== null) whole[name] = filled(field.fields, value as never, version);
    else whole[name] = value;
  }
  return whole;
}

function filledArray({ element }: ArrayField, values: unknown[], version: number): unknown[] {
  if (typeof element === "string") return values;
  return values.map(value => filled(element, value as Record<string, unknown>, version));
}

function empty(kind: string): unknown {
  if (kind === "array") return [];
  if (kind === "string") return "";
  if (kind === "uuid") return ZERO_UUID;
  if (kind === "bool") return false;
  if (kind === "bytes") return Buffer.alloc(0);
  return kind === "bigint64" ? 0n : 0;
}
