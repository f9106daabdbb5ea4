/** Makes and drops the topics of a benchmark. */
import { ListOffsets } from "../protocol/apis/02-list-offsets.ts";
import { Metadata } from "../protocol/apis/03-metadata.ts";
import { CreateTopics } from "../protocol/apis/19-create-topics.ts";
import { DeleteTopics } from "../protocol/apis/20-delete-topics.ts";
import { Errors, errorName } from "../protocol/errors.ts";
import { decodeResponse, encodeRequest } from "../protocol/frame.ts";
import type { Api, RequestInputOf, ResponseOf } from "../protocol/schema.ts";
import { ZERO_UUID } from "../protocol/schema.ts";
import { delay } from "./load/stopwatch.ts";
import { WireConnection } from "./load/wire-connection.ts";

const CREATE_TOPICS_VERSION = 5;
const DELETE_TOPICS_VERSION = 5;
const METADATA_VERSION = 9;
const LIST_OFFSETS_VERSION = 5;
const LATEST = -1n;
const TIMEOUT_MS = 30_000;
/** A broker that takes longer for one answer is not waited for. */
const ANSWER_MS = 60_000;
/** As clients do: soon at first, then less often. */
const FIRST_BACKOFF_MS = 10;
const LONGEST_BACKOFF_MS = 250;

export interface TopicOptions {
  readonly partitions: number;
  /** Default 1. */
  readonly replicationFactor?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Makes topics, and waits until each partition's leader knows that it is: a broker may answer the creation before that. */
export async function createTopics(address: string, names: readonly string[], options: TopicOptions): Promise<void> {
  const configs = Object.entries({ "file.delete.delay.ms": "1000", ...options.configs });
  const topics = names.map(name => ({
    name,
    numPartitions: options.partitions,
    replicationFactor: options.replicationFactor ?? 1,
    assignments: [],
    configs: configs.map(([key, value]) => ({ name: key, value })),
  }));
  const answer = await ask(address, CreateTopics, CREATE_TOPICS_VERSION, { topics, timeoutMs: TIMEOUT_MS });
  const failed = answer.topics.find(({ errorCode }) => errorCode !== 0);
  if (failed !== undefined) throw new Error(`topic ${failed.name} was not created: ${errorName(failed.errorCode)}`);
  for (const name of names) await untilServed(address, name, options.partitions);
}

export async function deleteTopics(address: string, topicNames: readonly string[]): Promise<void> {
  await ask(address, DeleteTopics, DELETE_TOPICS_VERSION, {
    topics: [],
    topicNames: [...topicNames],
    timeoutMs: TIMEOUT_MS,
  });
}

/** Asks the leaders of a topic for their ends, again and again, until all have told. Throws when that takes too long. */
export async function untilServed(address: string, topic: string, partitions: number): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  let error = "no leader";
  for (let backoffMs = FIRST_BACKOFF_MS; ; backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS)) {
    const leaders = await leadersNow(address, topic);
    if (Object.keys(leaders).length === partitions) {
      const refusal = await firstRefusal(leaders, topic);
      if (refusal === Errors.NONE) return;
      error = errorName(refusal);
    }
    if (performance.now() > deadline) throw new Error(`topic ${topic} is not served: ${error}`);
    await delay(backoffMs);
  }
}

/** Addresses of the leaders that there are, by partition, as the broker at `address` knows them. */
export async function leadersNow(address: string, topic: string): Promise<string[]> {
  const { brokers, topics } = await ask(address, Metadata, METADATA_VERSION, {
    topics: [{ name: topic, topicId: ZERO_UUID }],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  const leaders: string[] = [];
  for (const { partitionIndex, leaderId } of topics[0]?.partitions ?? []) {
    const leader = brokers.find(({ nodeId }) => nodeId === leaderId);
    if (leader !== undefined) leaders[partitionIndex] = `${leader.host}:${leader.port}`;
  }
  return leaders;
}

/** What the first partition that is not served answers; NONE when all are. */
async function firstRefusal(leaders: readonly string[], topic: string): Promise<number> {
  for (const leader of new Set(leaders)) {
    const indexes = leaders.flatMap((each, index) => (each === leader ? [index] : []));
    const answer = await ask(leader, ListOffsets, LIST_OFFSETS_VERSION, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          name: topic,
          partitions: indexes.map(partitionIndex => ({ partitionIndex, currentLeaderEpoch: -1, timestamp: LATEST })),
        },
      ],
      timeoutMs: TIMEOUT_MS,
    });
    const refused = answer.topics[0]?.partitions.find(({ errorCode }) => errorCode !== Errors.NONE);
    if (refused !== undefined) return refused.errorCode;
  }
  return Errors.NONE;
}

/** Asks one thing over a connection of its own. Rejects when there is no answer in time. */
export async function ask<A extends Api>(
  address: string,
  api: A,
  version: number,
  body: RequestInputOf<A>,
): Promise<ResponseOf<A>> {
  const answered = Promise.withResolvers<ResponseOf<A>>();
  const connection = await WireConnection.open(
    address,
    answer => {
      try {
        answered.resolve(decodeResponse(api, version, Buffer.from(answer)).body);
      } catch (error) {
        answered.reject(error);
      }
    },
    () => answered.reject(new Error("the broker closed the connection")),
  );
  const timer = setTimeout(() => answered.reject(new Error(`no answer to ${api.name} from ${address}`)), ANSWER_MS);
  try {
    connection.send(Buffer.concat(encodeRequest(api, version, 1, "bench", body)));
    return await answered.promise;
  } finally {
    clearTimeout(timer);
    connection.close();
  }
}
