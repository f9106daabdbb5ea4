/** Record batches for fuzzed Produce requests: good ones, good ones damaged, and bombs. */
import { BatchBuilder } from "../../protocol/records/builder.ts";
import { CODEC, type CodecId } from "../../protocol/records/compression/index.ts";
import type { SeededRandom } from "./random.ts";

export const CODECS_BY_ID: readonly CodecId[] = Object.values(CODEC);

const BOMB_BYTES = 80 * 1024 * 1024;
const bombs = new Map<CodecId, Buffer>();

export function randomRecords(random: SeededRandom, codec: CodecId): Buffer | null {
  if (random.chance(0.05)) return null;
  if (random.chance(0.05)) return random.bytes(random.below(200));
  if (codec !== CODEC.none && random.chance(0.002)) return bomb(codec);
  const batch = goodBatch(random, codec);
  if (random.chance(0.5)) return batch;
  const damaged = Buffer.from(batch);
  for (let count = 1 + random.below(4); count > 0; count--)
    damaged[random.below(damaged.length)]! ^= 1 << random.below(8);
  return random.chance(0.3) ? damaged.subarray(0, random.below(damaged.length)) : damaged;
}

function goodBatch(random: SeededRandom, codec: CodecId): Buffer {
  const builder = new BatchBuilder({ codec });
  for (let count = 1 + random.below(5); count > 0; count--) {
    const key = random.chance(0.5) ? null : random.bytes(random.below(10));
    builder.append({ timestamp: Date.now(), key, value: random.bytes(random.below(100)), headers: [] });
  }
  return builder.build();
}

/** Kilobytes that would become more than a broker may hold; zeros compress a thousandfold. */
function bomb(codec: CodecId): Buffer {
  let batch = bombs.get(codec);
  if (batch === undefined) {
    const builder = new BatchBuilder({ codec });
    builder.append({ timestamp: Date.now(), key: null, value: Buffer.alloc(BOMB_BYTES), headers: [] });
    batch = builder.build();
    bombs.set(codec, batch);
  }
  return batch;
}
