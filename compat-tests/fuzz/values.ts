/** Random values of any schema in any version: well-formed for the codec, mostly nonsense for the broker. */

import type { ArrayField, Field, Fields, PrimitiveKind } from "../../protocol/schema.ts";
import type { SeededRandom } from "./random.ts";
import { CODECS_BY_ID, randomRecords } from "./records.ts";

export interface Names {
  /** Topics that exist and whose loss nobody minds. */
  readonly topics: readonly string[];
  readonly topicIds: readonly string[];
}

const INTEGERS: Readonly<Partial<Record<PrimitiveKind, readonly number[]>>> = {
  int8: [0, 1, -1, 2, 127, -128],
  int16: [0, 1, -1, 2, 32767, -32768],
  uint16: [0, 1, 65535],
  int32: [0, 1, -1, 2, 5, 100, 65536, 2 ** 31 - 1, -(2 ** 31)],
  uint32: [0, 1, 2 ** 32 - 1],
  int64: [0, 1, -1, -2, -3, -4, -5, 7, 1_700_000_000_000, 2 ** 53 - 1, -(2 ** 53) + 1],
};
const BIG_INTEGERS = [0n, 1n, -1n, -2n, 2n ** 63n - 1n, -(2n ** 63n)];
const STRINGS = [
  "",
  ".",
  "..",
  "a",
  "a/b",
  "../../x",
  "__consumer_offsets",
  "__cluster_metadata",
  "x".repeat(249),
  "x".repeat(250),
  "\u0000\n",
  "größe",
  "\ud800",
  "retention.ms",
  "cleanup.policy",
  "compact",
  "-1",
  "1",
  "9".repeat(30),
];
/** These would make the broker wait, as Kafka does; the fuzzer has no time for that. */
const WAITS = new Set(["maxWaitMs", "timeoutMs"]);

export class RandomValues {
  readonly #random: SeededRandom;
  readonly #names: Names;

  constructor(random: SeededRandom, names: Names) {
    this.#random = random;
    this.#names = names;
  }

  /** A value with every field of a struct. */
  struct(fields: Fields, depth = 0): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(fields)) value[name] = this.#field(name, field, depth);
    return value;
  }

  #field(name: string, field: Field, depth: number): unknown {
    const random = this.#random;
    if (WAITS.has(name)) return random.below(10);
    if (field.nullable.min <= field.nullable.max && random.chance(0.1)) return null;
    switch (field.kind) {
      case "struct":
        return this.struct(field.fields, depth + 1);
      case "array":
        return this.#array(name, field, depth);
      default:
        return this.#primitive(name, field.kind);
    }
  }

  #array(name: string, field: ArrayField, depth: number): unknown[] {
    const random = this.#random;
    const count = random.chance(0.02) ? random.below(300) : random.below(depth > 2 ? 2 : 4);
    return Array.from({ length: count }, () =>
      typeof field.element === "string" ? this.#primitive(name, field.element) : this.struct(field.element, depth + 1),
    );
  }

  #primitive(name: string, kind: PrimitiveKind): unknown {
    const random = this.#random;
    switch (kind) {
      case "bool":
        return random.chance(0.5);
      case "float64":
        return random.pick([0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300]);
      case "bigint64":
        return random.pick(BIG_INTEGERS);
      case "string":
        return random.chance(0.6) && /topic|name/i.test(name) ? random.pick(this.#names.topics) : random.pick(STRINGS);
      case "uuid":
        return random.chance(0.7) ? random.pick(this.#names.topicIds) : random.bytes(16).toString("base64url");
      case "bytes":
        return random.bytes(random.below(64));
      case "records":
        return randomRecords(random, random.pick(CODECS_BY_ID));
      default:
        return random.chance(0.3) ? random.below(8) : random.pick(INTEGERS[kind]!);
    }
  }
}
