/** Makes and drops the topics of a benchmark. */
import { CreateTopics } from "../protocol/apis/19-create-topics.ts";
import { DeleteTopics } from "../protocol/apis/20-delete-topics.ts";
import { decodeResponse, encodeRequest } from "../protocol/frame.ts";
import type { Api, RequestInputOf, ResponseOf } from "../protocol/schema.ts";
import { WireConnection } from "./load/wire-connection.ts";

const CREATE_TOPICS_VERSION = 5;
const DELETE_TOPICS_VERSION = 5;
const TIMEOUT_MS = 30_000;

export async function createTopic(address: string, name: string, numPartitions: number): Promise<void> {
  const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }];
  const answer = await ask(address, CreateTopics, CREATE_TOPICS_VERSION, { topics, timeoutMs: TIMEOUT_MS });
  const errorCode = answer.topics[0]?.errorCode;
  if (errorCode !== 0) throw new Error(`topic ${name} was not created: error ${errorCode}`);
}

export async function deleteTopic(address: string, name: string): Promise<void> {
  await ask(address, DeleteTopics, DELETE_TOPICS_VERSION, { topics: [], topicNames: [name], timeoutMs: TIMEOUT_MS });
}

/** Asks one thing over a connection of its own. */
async function ask<A extends Api>(
  address: string,
  api: A,
  version: number,
  body: RequestInputOf<A>,
): Promise<ResponseOf<A>> {
  const answered = Promise.withResolvers<Buffer>();
  const connection = await WireConnection.open(address, answered.resolve);
  connection.send(Buffer.concat(encodeRequest(api, version, 1, "bench", body)));
  const { body: response } = decodeResponse(api, version, await answered.promise);
  connection.close();
  return response;
}
