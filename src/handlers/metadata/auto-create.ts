/**
 * Topics that come into being because a client asked for their metadata (`auto.create.topics.enable`).
 *
 * Kafka answers that the topic is unknown, and creates it in the background. We answer once it is there, which every client understands;
 * kafkajs gives up on the other answer.
 */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { internalTopic, isInternalTopicName } from "../../metadata/internal-topics.ts";
import type { HandlerContext } from "../context.ts";

/** How long a client that asks for metadata is made to wait for a topic. */
const TIMEOUT_MS = 5_000;

/** Creates what is missing; gives the error to answer by topic name, and NONE where the topic is there now. */
export async function autoCreate(names: readonly string[], context: HandlerContext): Promise<Map<string, number>> {
  const errors = new Map<string, number>();
  const topics = names.map(name => newTopic(name, context));
  try {
    const response = await context.services.topics.createTopics({ topics, timeoutMs: TIMEOUT_MS, validateOnly: false });
    for (const { name, errorCode } of response.topics) errors.set(name, answerFor(errorCode));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    context.logger.warn("topic.auto-create-failed", { count: names.length, first: names[0], error: error.message });
    for (const name of names) errors.set(name, answerFor(error.code));
  }
  return errors;
}

function newTopic(name: string, { config, metadata }: HandlerContext) {
  if (isInternalTopicName(name)) return internalTopic(name, config, metadata.image.cluster.brokers.size);
  return { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
}

/** Errors that a client can do something about are passed on; all others mean that it should ask again. */
function answerFor(errorCode: number): number {
  switch (errorCode) {
    case Errors.NONE:
    // Somebody else created it meanwhile.
    case Errors.TOPIC_ALREADY_EXISTS:
      return Errors.NONE;
    case Errors.INVALID_TOPIC_EXCEPTION:
    case Errors.INVALID_REPLICATION_FACTOR:
    case Errors.INVALID_PARTITIONS:
    case Errors.POLICY_VIOLATION:
    case Errors.TOPIC_AUTHORIZATION_FAILED:
      return errorCode;
    default:
      return Errors.LEADER_NOT_AVAILABLE;
  }
}
