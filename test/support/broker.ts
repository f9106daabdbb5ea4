/**
 * Real brokers on free loopback ports for tests, and what tests do with them all the time.
 */

import { Produce } from "../../protocol/apis/00-produce.ts";
import type { Fetch } from "../../protocol/apis/01-fetch.ts";
import { Metadata } from "../../protocol/apis/03-metadata.ts";
import { CreateTopics } from "../../protocol/apis/19-create-topics.ts";
import { batchSizeAt } from "../../protocol/records/batch.ts";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import { type DecodedRecord, decodeRecords } from "../../protocol/records/record.ts";
import type { RequestInputOf, ResponseOf } from "../../protocol/schema.ts";
import { Broker, type EmbeddedBrokerOptions } from "../../src/broker.ts";
import { RawClient } from "./raw-client.ts";

/** A broker that suits tests: small reserve, quick housekeeping. Its directory goes with it unless `dataDir` is given. */
export function startTestBroker(options: EmbeddedBrokerOptions = {}): Promise<Broker> {
  return Broker.start({
    ...options,
    config: { "samsa.log.disk.reserve.bytes": 0, "samsa.log.disk.reserve.ratio": 0, ...options.config },
  });
}

export interface TopicOptions {
  readonly partitions?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Creates a topic and returns its id. */
export async function createTopic(client: RawClient, name: string, options: TopicOptions = {}): Promise<string> {
  const { topics } = await client.request(CreateTopics, 7, {
    topics: [
      {
        name,
        numPartitions: options.partitions ?? 1,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(options.configs ?? {}).map(([key, value]) => ({ name: key, value })),
      },
    ],
    timeoutMs: 10_000,
  });
  const [topic] = topics;
  if (topic?.errorCode !== 0) throw new Error(`creating ${name}: ${topic?.errorCode} ${topic?.errorMessage}`);
  return topic.topicId;
}

/** A batch of `values` as a producer sends it. */
export function batchOf(values: readonly string[], options: Partial<BatchInput> = {}): Buffer {
  const builder = new BatchBuilder({ codec: options.codec ?? 0, ...options });
  const timestamp = options.timestamp ?? Date.now();
  for (const value of values) {
    builder.append({ timestamp, key: null, value: value === "" ? null : Buffer.from(value), headers: [] });
  }
  return builder.build();
}

export type BatchInput = ConstructorParameters<typeof BatchBuilder>[0] & { timestamp: number };

export type ProduceResult = ResponseOf<typeof Produce>["responses"][number]["partitionResponses"][number];

/** Produces one batch to one partition. Name the topic by id from version 13 on. */
export async function produceTo(
  client: RawClient,
  target: { topic: string; topicId?: string; partition?: number; version?: number; acks?: number },
  records: Buffer | null,
): Promise<ProduceResult> {
  const { version = 11, acks = -1 } = target;
  const response = await client.request(Produce, version, produceRequest(target, records, acks));
  return response.responses[0]!.partitionResponses[0]!;
}

export function produceRequest(
  { topic, topicId, partition = 0 }: { topic: string; topicId?: string; partition?: number },
  records: Buffer | null,
  acks = -1,
): RequestInputOf<typeof Produce> {
  return {
    acks,
    timeoutMs: 10_000,
    topicData: [
      { name: topic, topicId: topicId ?? "AAAAAAAAAAAAAAAAAAAAAA", partitionData: [{ index: partition, records }] },
    ],
  };
}

export type FetchInput = RequestInputOf<typeof Fetch>;
export type FetchPartitionInput = FetchInput["topics"][number]["partitions"][number];
export type FetchResult = ResponseOf<typeof Fetch>["responses"][number]["partitions"][number];

/** A fetch of single partitions, with what a request must say filled in. */
export function fetchRequest(
  partitions: readonly (Partial<FetchPartitionInput> & { topic: string; topicId?: string })[],
  options: Partial<FetchInput> = {},
): FetchInput {
  return {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 50 << 20,
    topics: partitions.map(({ topic, topicId, ...partition }) => ({
      topic,
      topicId: topicId ?? "AAAAAAAAAAAAAAAAAAAAAA",
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20, ...partition }],
    })),
    forgottenTopicsData: [],
    ...options,
  } as FetchInput;
}

/** All records of some batches. */
export function recordsOf(records: Buffer | null): DecodedRecord[] {
  const decoded: DecodedRecord[] = [];
  if (records === null) return decoded;
  for (let position = 0; position < records.length; position += batchSizeAt(records, position)) {
    decoded.push(...decodeRecords(records, position));
  }
  return decoded;
}

export function valuesOf(records: Buffer | null): string[] {
  return recordsOf(records).map(({ value }) => value?.toString() ?? "");
}

/** The leader epoch of each partition of a topic. */
export async function leaderEpochsOf(client: RawClient, topic: string): Promise<number[]> {
  const response = await client.request(Metadata, 12, {
    topics: [{ name: topic, topicId: "AAAAAAAAAAAAAAAAAAAAAA" }],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  return response.topics[0]!.partitions.map(({ leaderEpoch }) => leaderEpoch);
}

export { RawClient };
