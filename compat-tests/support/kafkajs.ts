/**
 * kafkajs with all of Kafka's codecs, and reading whole topics with it without a consumer group.
 *
 * kafkajs brings gzip alone; the other codecs are plugged in the way its documentation asks for.
 */
import { createRequire } from "node:module";
import kafkajs, { type Kafka, type KafkaConfig } from "kafkajs";
import { CODEC, type CodecId, compress, decompress } from "../../protocol/records/compression/index.ts";

const { CompressionCodecs, CompressionTypes, Kafka: KafkaClient, logLevel } = kafkajs;
const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;

function plugIn(type: keyof typeof CompressionCodecs, codec: CodecId): void {
  CompressionCodecs[type] = () => ({
    compress: async (encoder: { buffer: Buffer }) => compress(codec, encoder.buffer),
    decompress: async (buffer: Buffer) => decompress(codec, buffer, { maxSizeBytes: MAX_DECOMPRESSED_BYTES }),
  });
}

plugIn(CompressionTypes.Snappy, CODEC.snappy);
plugIn(CompressionTypes.LZ4, CODEC.lz4);
plugIn(CompressionTypes.ZSTD, CODEC.zstd);

/** A kafkajs client of one broker, silent and without retries unless asked otherwise. */
export function kafkajsClient(address: string, options: Partial<KafkaConfig> = {}): Kafka {
  return new KafkaClient({
    brokers: [address],
    clientId: "samsa-tests",
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    ...options,
  });
}

/** One record as a client read it. */
export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
}

interface FetchedMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly isControlRecord?: boolean;
}

interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly messages: readonly FetchedMessage[];
}

/** The parts of kafkajs's inner `Cluster` and `Broker` used here: its own connection, fetch codec and record decoder, below consumer groups. */
interface InnerBroker {
  fetch(request: object): Promise<{ responses: readonly { partitions: readonly FetchedPartition[] }[] }>;
}
interface InnerCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  findBroker(options: { nodeId: string }): Promise<InnerBroker>;
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
  findTopicPartitionMetadata(topic: string): readonly { partitionId: number }[];
}

const require = createRequire(import.meta.url);
const Cluster: new (options: object) => InnerCluster = require("kafkajs/src/cluster");
const createSocketFactory: () => unknown = require("kafkajs/src/network/socketFactory");
const { createLogger, LEVELS } = require("kafkajs/src/loggers");
const createConsoleLogger = require("kafkajs/src/loggers/console");

/** Reads every record of a topic from `fromOffset` on, partition by partition, with kafkajs. */
export async function readTopicWithKafkajs(address: string, topic: string, fromOffset = 0): Promise<ReadRecord[]> {
  const cluster = new Cluster({
    brokers: [address],
    clientId: "samsa-tests",
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    enforceRequestTimeout: true,
    metadataMaxAge: 300_000,
    retry: { retries: 2 },
    socketFactory: createSocketFactory(),
    logger: createLogger({ level: LEVELS.NOTHING, logCreator: createConsoleLogger }),
  });
  await cluster.connect();
  try {
    await cluster.addTargetTopic(topic);
    const partitions = cluster.findTopicPartitionMetadata(topic).map(entry => entry.partitionId);
    const leaders = cluster.findLeaderForPartitions(topic, partitions);
    const records: ReadRecord[] = [];
    for (const [nodeId, owned] of Object.entries(leaders)) {
      const broker = await cluster.findBroker({ nodeId });
      for (const partition of owned) records.push(...(await readPartition(broker, topic, partition, fromOffset)));
    }
    return records;
  } finally {
    await cluster.disconnect();
  }
}

async function readPartition(
  broker: InnerBroker,
  topic: string,
  partition: number,
  fromOffset: number,
): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  let nextOffset = fromOffset;
  for (;;) {
    const { responses } = await broker.fetch({
      maxWaitTime: 1,
      minBytes: 1,
      maxBytes: 8 * 1024 * 1024,
      isolationLevel: 1,
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(nextOffset), maxBytes: 8 * 1024 * 1024 }] }],
    });
    const fetched = responses[0]?.partitions[0];
    if (fetched === undefined || fetched.errorCode > 0)
      throw new Error(`kafkajs could not fetch ${topic}-${partition}`);
    for (const message of fetched.messages) {
      const offset = Number(message.offset);
      if (offset < nextOffset || message.isControlRecord === true) continue;
      records.push({ partition, offset, key: text(message.key), value: text(message.value) });
      nextOffset = offset + 1;
    }
    if (nextOffset >= Number(fetched.highWatermark)) return records;
  }
}

function text(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString("utf8");
}
