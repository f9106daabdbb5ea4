/** Makes and drops the topics of a benchmark. */
import { CreateTopics } from "../protocol/apis/19-create-topics.ts";
import { DeleteTopics } from "../protocol/apis/20-delete-topics.ts";
import { decodeResponse, encodeRequest } from "../protocol/frame.ts";
import type { Api, RequestInputOf, ResponseOf } from "../protocol/schema.ts";
import { WireConnection } from "./load/wire-connection.ts";

const CREATE_TOPICS_VERSION = 5;
const DELETE_TOPICS_VERSION = 5;
const TIMEOUT_MS = 30_000;

export interface TopicOptions {
  readonly partitions: number;
  /** Default 1. */
  readonly replicationFactor?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

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
  if (failed !== undefined) throw new Error(`topic ${failed.name} was not created: error ${failed.errorCode}`);
}

export async function deleteTopics(address: string, topicNames: readonly string[]): Promise<void> {
  await ask(address, DeleteTopics, DELETE_TOPICS_VERSION, {
    topics: [],
    topicNames: [...topicNames],
    timeoutMs: TIMEOUT_MS,
  });
}

/** Asks one thing over a connection of its own. */
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
  try {
    connection.send(Buffer.concat(encodeRequest(api, version, 1, "bench", body)));
    return await answered.promise;
  } finally {
    connection.close();
  }
}
