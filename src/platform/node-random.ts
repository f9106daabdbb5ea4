/** Randomness from the system: ids and nonces made of it cannot be guessed. */
import { randomBytes } from "node:crypto";
import type { Random } from "./platform.ts";

/** Random bytes are drawn from the system in pools of this size: a draw of eight bytes costs a microsecond alone. */
const POOL_SIZE_BYTES = 4096;

export class NodeRandom implements Random {
  #pool = Buffer.alloc(0);
  #position = 0;

  float(): number {
    // 53 bits, all that a double's fraction holds: 21 high ones and 32 low ones.
    const position = this.#take(8);
    return ((this.#pool.readUInt32LE(position) >>> 11) * 2 ** 32 + this.#pool.readUInt32LE(position + 4)) / 2 ** 53;
  }

  integer(bound: number): number {
    if (!(bound >= 1 && bound <= 2 ** 32)) throw new RangeError(`bound ${bound} is not in 1..2^32`);
    return Math.floor(this.float() * bound);
  }

  bytes(sizeBytes: number): Buffer {
    return randomBytes(sizeBytes);
  }

  #take(sizeBytes: number): number {
    if (this.#position + sizeBytes > this.#pool.length) {
      this.#pool = randomBytes(POOL_SIZE_BYTES);
      this.#position = 0;
    }
    const position = this.#position;
    this.#position += sizeBytes;
    return position;
  }
}
