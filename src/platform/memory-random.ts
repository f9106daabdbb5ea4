/**
 * Repeatable randomness: the same seed gives the same draws on every machine.
 *
 * The generator is sfc32 (Doty-Humphrey's "small fast counter", 128 bits of state), seeded by hashing the seed's text.
 */
import type { Random } from "./platform.ts";

export class SeededRandom implements Random {
  readonly seed: string;
  readonly #state = new Uint32Array(4);

  constructor(seed: string | number) {
    this.seed = String(seed);
    this.#reset();
  }

  float(): number {
    const high = this.#next() >>> 11;
    return (high * 2 ** 32 + this.#next()) / 2 ** 53;
  }

  integer(bound: number): number {
    if (!(bound >= 1 && bound <= 2 ** 32)) throw new RangeError(`bound ${bound} is not in 1..2^32`);
    return Math.floor(this.float() * bound);
  }

  bytes(sizeBytes: number): Buffer {
    const result = Buffer.allocUnsafe(sizeBytes);
    for (let index = 0; index < sizeBytes; index++) result[index] = this.#next() & 0xff;
    return result;
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(items.length)]!;
  }

  /** A generator of its own for one part of a simulation: drawing more in one part does not move another's draws. */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${label}`);
  }

  #reset(): void {
    // FNV-1a over the seed's characters, once for each word of the state.
    for (let word = 0; word < 4; word++) {
      let hash = (0x811c9dc5 ^ (word * 0x9e3779b9)) >>> 0;
      for (let index = 0; index < this.seed.length; index++) {
        hash = Math.imul(hash ^ this.seed.charCodeAt(index), 0x01000193) >>> 0;
      }
      this.#state[word] = hash;
    }
    // The first draws still show the seeds' likeness.
    for (let round = 0; round < 16; round++) this.#next();
  }

  #next(): number {
    const state = this.#state;
    const sum = (state[0]! + state[1]! + state[3]!) >>> 0;
    state[3] = state[3]! + 1;
    state[0] = state[1]! ^ (state[1]! >>> 9);
    state[1] = state[2]! + (state[2]! << 3);
    state[2] = ((state[2]! << 21) | (state[2]! >>> 11)) + sum;
    return sum;
  }
}
