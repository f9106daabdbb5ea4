/** Mutations of bytes: what a broken or hostile client could make of a well-formed frame. */
import type { SeededRandom } from "./random.ts";

const LENGTH_BYTES = 4;
const EXTREMES = [-1, 0, 1, 0x7f, 0x7fff, 0x7fffffff, -0x80000000, 1_000_000_000, 104_857_601];

type Mutate = (random: SeededRandom, bytes: Buffer) => Buffer;

/** Changes of the bytes behind the length. */
const MUTATIONS: readonly Mutate[] = [
  flipBits,
  overwriteWithExtreme,
  overwriteVarint,
  cut,
  insert,
  repeatPart,
  changeApi,
];

/** A frame with one to three mutations; its length is put right again, or, now and then, made wrong. */
export function mutateFrame(random: SeededRandom, frame: Buffer): Buffer {
  let body: Buffer = Buffer.from(frame.subarray(LENGTH_BYTES));
  for (let count = 1 + random.below(3); count > 0 && body.length > 0; count--)
    body = random.pick(MUTATIONS)(random, body);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(random.chance(0.03) ? random.pick(EXTREMES) : body.length);
  return Buffer.concat([length, body]);
}

/** Bytes without any sense, as a frame or not even that. */
export function rawBytes(random: SeededRandom): Buffer {
  const body = random.bytes(random.below(random.chance(0.05) ? 70_000 : 200));
  if (random.chance(0.3)) return body;
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function flipBits(random: SeededRandom, bytes: Buffer): Buffer {
  for (let count = 1 + random.below(4); count > 0; count--) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  return bytes;
}

function overwriteWithExtreme(random: SeededRandom, bytes: Buffer): Buffer {
  if (bytes.length < 4) return bytes;
  bytes.writeInt32BE(random.pick(EXTREMES), random.below(bytes.length - 3));
  return bytes;
}

/** A varint that is long, overlong or endless. */
function overwriteVarint(random: SeededRandom, bytes: Buffer): Buffer {
  const at = random.below(bytes.length);
  const count = Math.min(1 + random.below(12), bytes.length - at);
  bytes.fill(random.pick([0x80, 0xff]), at, at + count);
  return bytes;
}

function cut(random: SeededRandom, bytes: Buffer): Buffer {
  return bytes.subarray(0, random.below(bytes.length + 1));
}

function insert(random: SeededRandom, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), random.bytes(random.below(32)), bytes.subarray(at)]);
}

function repeatPart(random: SeededRandom, bytes: Buffer): Buffer {
  const from = random.below(bytes.length);
  const part = bytes.subarray(from, from + random.below(64));
  return Buffer.concat([
    bytes.subarray(0, from),
    ...Array<Buffer>(1 + random.below(8)).fill(part),
    bytes.subarray(from),
  ]);
}

function changeApi(random: SeededRandom, bytes: Buffer): Buffer {
  if (bytes.length < 4) return bytes;
  if (random.chance(0.5)) bytes.writeInt16BE(random.below(100) - 2, 0);
  else bytes.writeInt16BE(random.pick([-1, 0, 1, 3, 9, 20, 32767]), 2);
  return bytes;
}
