/**
 * XXH3, 64 bits, seed 0: what Kafka hashes a group's topics with. Pure and slow (big integers); inputs are small and hashed when topics change.
 */

const MASK = 0xffff_ffff_ffff_ffffn;
const PRIME32_1 = 0x9e3779b1n;
const PRIME32_2 = 0x85ebca77n;
const PRIME32_3 = 0xc2b2ae3dn;
const PRIME64_1 = 0x9e3779b185ebca87n;
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME64_3 = 0x165667b19e3779f9n;
const PRIME64_4 = 0x85ebca77c2b2ae63n;
const PRIME64_5 = 0x27d4eb2f165667c5n;
const PRIME_MX1 = 0x165667919e3779f9n;
const PRIME_MX2 = 0x9fb21c651e98df25n;

/** The default secret of the specification. */
const SECRET = Buffer.from(
  "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c" +
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364" +
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e",
  "hex",
);

const STRIPE_BYTES = 64;
const SECRET_CONSUME_BYTES = 8;
const MID_SIZE_MAX = 240;

export function xxh3(input: Buffer): bigint {
  const size = input.length;
  if (size <= 16) return hashSmall(input, size);
  if (size <= 128) return hashUpTo128(input, size);
  if (size <= MID_SIZE_MAX) return hashUpTo240(input, size);
  return hashLong(input, size);
}

function hashSmall(input: Buffer, size: number): bigint {
  if (size > 8) {
    const low = read64(input, 0) ^ (secret64(24) ^ secret64(32));
    const high = read64(input, size - 8) ^ (secret64(40) ^ secret64(48));
    return avalanche((BigInt(size) + swap64(low) + high + fold(low, high)) & MASK);
  }
  if (size >= 4) {
    const combined = (BigInt(input.readUInt32LE(size - 4)) + (BigInt(input.readUInt32LE(0)) << 32n)) & MASK;
    return rrmxmx(combined ^ (secret64(8) ^ secret64(16)), BigInt(size));
  }
  if (size === 0) return avalanche64(secret64(56) ^ secret64(64));
  const combined =
    (BigInt(input[0]!) << 16n) | (BigInt(input[size >> 1]!) << 24n) | BigInt(input[size - 1]!) | (BigInt(size) << 8n);
  return avalanche64(combined ^ BigInt((SECRET.readUInt32LE(0) ^ SECRET.readUInt32LE(4)) >>> 0));
}

function hashUpTo128(input: Buffer, size: number): bigint {
  let hash = (BigInt(size) * PRIME64_1) & MASK;
  for (let step = (size - 1) >> 5; step >= 0; step -= 1) {
    hash += mix16(input, step * 16, step * 32);
    hash += mix16(input, size - 16 * (step + 1), step * 32 + 16);
  }
  return avalanche(hash & MASK);
}

function hashUpTo240(input: Buffer, size: number): bigint {
  let hash = (BigInt(size) * PRIME64_1) & MASK;
  const rounds = size >> 4;
  for (let round = 0; round < 8; round += 1) hash += mix16(input, 16 * round, 16 * round);
  hash = avalanche(hash & MASK);
  for (let round = 8; round < rounds; round += 1) hash += mix16(input, 16 * round, 16 * (round - 8) + 3);
  hash += mix16(input, size - 16, 136 - 17);
  return avalanche(hash & MASK);
}

function hashLong(input: Buffer, size: number): bigint {
  const lanes = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1];
  const stripesPerBlock = (SECRET.length - STRIPE_BYTES) / SECRET_CONSUME_BYTES;
  const blockBytes = STRIPE_BYTES * stripesPerBlock;
  const blocks = Math.floor((size - 1) / blockBytes);
  for (let block = 0; block < blocks; block += 1) {
    for (let stripe = 0; stripe < stripesPerBlock; stripe += 1) {
      accumulate(lanes, input, block * blockBytes + stripe * STRIPE_BYTES, stripe * SECRET_CONSUME_BYTES);
    }
    scramble(lanes);
  }
  const stripes = Math.floor((size - 1 - blockBytes * blocks) / STRIPE_BYTES);
  for (let stripe = 0; stripe < stripes; stripe += 1) {
    accumulate(lanes, input, blocks * blockBytes + stripe * STRIPE_BYTES, stripe * SECRET_CONSUME_BYTES);
  }
  accumulate(lanes, input, size - STRIPE_BYTES, SECRET.length - STRIPE_BYTES - 7);
  return merge(lanes, 11, (BigInt(size) * PRIME64_1) & MASK);
}

function accumulate(lanes: bigint[], input: Buffer, position: number, secretPosition: number): void {
  for (let lane = 0; lane < 8; lane += 1) {
    const value = read64(input, position + lane * 8);
    const keyed = value ^ secret64(secretPosition + lane * 8);
    lanes[lane ^ 1] = (lanes[lane ^ 1]! + value) & MASK;
    lanes[lane] = (lanes[lane]! + (keyed & 0xffff_ffffn) * (keyed >> 32n)) & MASK;
  }
}

function scramble(lanes: bigint[]): void {
  for (let lane = 0; lane < 8; lane += 1) {
    const value = lanes[lane]!;
    const mixed = value ^ (value >> 47n) ^ secret64(SECRET.length - STRIPE_BYTES + lane * 8);
    lanes[lane] = (mixed * PRIME32_1) & MASK;
  }
}

function merge(lanes: readonly bigint[], secretPosition: number, start: bigint): bigint {
  let hash = start;
  for (let pair = 0; pair < 4; pair += 1) {
    const position = secretPosition + 16 * pair;
    hash += fold(lanes[2 * pair]! ^ secret64(position), lanes[2 * pair + 1]! ^ secret64(position + 8));
  }
  return avalanche(hash & MASK);
}

function mix16(input: Buffer, position: number, secretPosition: number): bigint {
  return fold(
    read64(input, position) ^ secret64(secretPosition),
    read64(input, position + 8) ^ secret64(secretPosition + 8),
  );
}

/** Product of 128 bits, its halves combined. */
function fold(a: bigint, b: bigint): bigint {
  const product = a * b;
  return (product & MASK) ^ (product >> 64n);
}

function avalanche(hash: bigint): bigint {
  const mixed = ((hash ^ (hash >> 37n)) * PRIME_MX1) & MASK;
  return mixed ^ (mixed >> 32n);
}

/** The final mix of the older XXH64. */
function avalanche64(hash: bigint): bigint {
  let mixed = ((hash ^ (hash >> 33n)) * PRIME64_2) & MASK;
  mixed = ((mixed ^ (mixed >> 29n)) * PRIME64_3) & MASK;
  return mixed ^ (mixed >> 32n);
}

function rrmxmx(value: bigint, size: bigint): bigint {
  let hash = value ^ rotateLeft(value, 49n) ^ rotateLeft(value, 24n);
  hash = (hash * PRIME_MX2) & MASK;
  hash ^= (hash >> 35n) + size;
  hash = (hash * PRIME_MX2) & MASK;
  return hash ^ (hash >> 28n);
}

function rotateLeft(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

function swap64(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

function read64(bytes: Buffer, position: number): bigint {
  return bytes.readBigUInt64LE(position);
}

function secret64(position: number): bigint {
  return SECRET.readBigUInt64LE(position);
}
