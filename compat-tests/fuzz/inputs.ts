/** The stream of inputs: well-formed nonsense, mutated frames, raw bytes. */
import { apis } from "../../protocol/apis/index.ts";
import { encodeRequest } from "../../protocol/frame.ts";
import type { Api } from "../../protocol/schema.ts";
import { mutateFrame, rawBytes } from "./mutations.ts";
import type { SeededRandom } from "./random.ts";
import { type Names, RandomValues } from "./values.ts";

/** An API and the versions of it that the broker under test advertises. */
export interface Target {
  readonly api: Api;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export type InputKind = "well-formed" | "mutated" | "raw";

export interface Input {
  readonly kind: InputKind;
  readonly bytes: Buffer;
}

export function targetsOf(advertised: readonly { apiKey: number; minVersion: number; maxVersion: number }[]): Target[] {
  const targets: Target[] = [];
  for (const { apiKey, minVersion, maxVersion } of advertised) {
    const api = apis.find(candidate => candidate.key === apiKey);
    // Versions of Produce below 3 are advertised, as Kafka does, and have no schema.
    if (api !== undefined) targets.push({ api, minVersion: Math.max(minVersion, api.versions.min), maxVersion });
  }
  return targets;
}

export class Inputs {
  readonly #random: SeededRandom;
  readonly #targets: readonly Target[];
  readonly #values: RandomValues;

  constructor(random: SeededRandom, targets: readonly Target[], names: Names) {
    this.#random = random;
    this.#targets = targets;
    this.#values = new RandomValues(random, names);
  }

  next(): Input {
    const random = this.#random;
    if (random.chance(0.05)) return { kind: "raw", bytes: rawBytes(random) };
    const frame = this.#wellFormed();
    return random.chance(0.5)
      ? { kind: "well-formed", bytes: frame }
      : { kind: "mutated", bytes: mutateFrame(random, frame) };
  }

  #wellFormed(): Buffer {
    const random = this.#random;
    for (;;) {
      const { api, minVersion, maxVersion } = random.pick(this.#targets);
      const version = minVersion + random.below(maxVersion - minVersion + 1);
      try {
        return Buffer.concat(
          encodeRequest(api, version, random.next() | 0, "fuzz", this.#values.struct(api.request.fields)),
        );
      } catch {
        // A field that this version cannot carry got a value: draw again.
      }
    }
  }
}
