/**
 * The hash of the topics a group is subscribed to, as Kafka 4.3 stores it in the group's record: a broker that takes the group over sees at once
 * whether topics have changed meanwhile.
 */
import type { MetadataImage } from "../../../metadata/image.ts";
import type { TopicImage } from "../../../metadata/topics-image.ts";
import { xxh3 } from "./xxh3.ts";

/** Version of the way topics are hashed. */
const TOPIC_HASH_MAGIC = 0;

/** Topics do not change, they are replaced: hashes are kept as long as their images. Racks may change, so brokers are part of the key. */
let cacheOf: unknown = null;
let cache = new WeakMap<TopicImage, bigint>();

/** 0 when none of the topics exists. */
export function hashTopics(names: Iterable<string>, image: MetadataImage): bigint {
  const topics: TopicImage[] = [];
  for (const name of names) {
    const topic = image.topics.byName.get(name);
    if (topic !== undefined) topics.push(topic);
  }
  if (topics.length === 0) return 0n;
  // In the order of their names, which themselves are in the topics' hashes.
  topics.sort((a, b) => (a.name < b.name ? -1 : 1));
  const input = new HashInput();
  for (const topic of topics) input.int64(hashTopic(topic, image));
  return BigInt.asIntN(64, xxh3(input.bytes()));
}

function hashTopic(topic: TopicImage, image: MetadataImage): bigint {
  if (cacheOf !== image.cluster) {
    cacheOf = image.cluster;
    cache = new WeakMap();
  }
  let hash = cache.get(topic);
  if (hash === undefined) {
    hash = computeTopicHash(topic, image);
    cache.set(topic, hash);
  }
  return hash;
}

function computeTopicHash(topic: TopicImage, image: MetadataImage): bigint {
  const id = Buffer.from(topic.id, "base64url");
  const input = new HashInput()
    .int8(TOPIC_HASH_MAGIC)
    .int64(id.readBigInt64BE(0))
    .int64(id.readBigInt64BE(8))
    .string(topic.name)
    .int32(topic.partitions.length);
  for (const { partition, replicas } of topic.partitions) {
    input.int32(partition);
    const racks = replicas
      .map(replica => image.cluster.brokers.get(replica)?.rack ?? null)
      .filter(rack => rack !== null);
    // A rack may hold any letter, so its length goes before it.
    for (const rack of racks.sort()) input.int32(rack.length).string(rack);
  }
  return xxh3(input.bytes());
}

/** Little-endian values in a row; strings as UTF-16 code units followed by how many there are. */
class HashInput {
  readonly #parts: Buffer[] = [];

  int8(value: number): this {
    this.#parts.push(Buffer.from([value]));
    return this;
  }

  int32(value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    this.#parts.push(bytes);
    return this;
  }

  int64(value: bigint): this {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
    this.#parts.push(bytes);
    return this;
  }

  string(text: string): this {
    this.#parts.push(Buffer.from(text, "utf16le"));
    return this.int32(text.length);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}
