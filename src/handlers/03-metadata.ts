/**
 * Metadata (3): topics, their partitions and leaders, and the brokers, as seen from the listener that the client came in on.
 *
 * - v0: an empty list of topics means all; from v1 null does, and empty means none.
 * - v4: the client may forbid that missing topics are created; before, it always agrees.
 * - v8: authorized operations, on request (KIP-430).
 * - v10: topic ids in the answer; v12: topics may be asked for by id (KIP-516).
 * - v13: an error of the whole request.
 */
import { Metadata } from "../../protocol/apis/03-metadata.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { type RequestOf, ZERO_UUID } from "../../protocol/schema.ts";
import { validateTopicName } from "../metadata/controller/topic-names.ts";
import { isInternalTopicName } from "../metadata/internal-topics.ts";
import { NO_LEADER, type TopicImage } from "../metadata/topics-image.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_REQUESTED, TOPIC_OPERATIONS } from "./metadata/authorized-operations.ts";
import { autoCreate } from "./metadata/auto-create.ts";
import {
  aliveBrokers,
  controllerFor,
  type PartitionView,
  partitionViews,
  sortedTopics,
} from "./metadata/topic-view.ts";

type MetadataRequest = RequestOf<typeof Metadata>;

const FIRST_VERSION_WITH_NULL = 1;
const FIRST_VERSION_WITH_LISTENER_ERROR = 6;
const FIRST_VERSION_BY_ID = 12;

interface TopicAnswer {
  readonly errorCode: number;
  readonly name: string | null;
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly partitions: readonly PartitionView[];
  readonly topicAuthorizedOperations: number;
}

export const metadata = handler(
  Metadata,
  async (request, context) => {
    checkTopics(request, context.apiVersion);
    await leadersDecided(request, context);
    const topics = isForAll(request, context.apiVersion)
      ? sortedTopics(context.metadata.image.topics).map(topic => found(topic, request, context))
      : await answerNamed(request, context);
    const { image } = context.metadata;
    const brokers = aliveBrokers(image.cluster, context.connection.listenerName);
    return {
      throttleTimeMs: 0,
      brokers,
      clusterId: context.clusterId,
      controllerId: controllerFor(brokers, context.services.controllerId(), context.nodeId),
      topics,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : OPERATIONS_NOT_REQUESTED,
      errorCode: Errors.NONE,
    };
  },
  (request, errorCode, _message, { apiVersion }) => ({
    throttleTimeMs: 0,
    brokers: [],
    // A null name cannot be said before it could be asked with.
    topics: (request.topics ?? []).map(({ name, topicId }) =>
      failed(apiVersion < FIRST_VERSION_BY_ID ? (name ?? "") : name, topicId, errorCode),
    ),
    errorCode,
  }),
);

/** A client that asks because a leader has just died is told of the next one: see `missing-brokers.ts`. */
function leadersDecided(request: MetadataRequest, context: HandlerContext): Promise<void> | null {
  return context.services.missingBrokers.decided(brokerId => {
    const { topics } = context.metadata.image;
    if (isForAll(request, context.apiVersion)) return isLedIn(topics.byId.values(), brokerId);
    const wanted = (request.topics ?? []).map(({ name, topicId }) =>
      topicId === ZERO_UUID ? topics.byName.get(name ?? "") : topics.byId.get(topicId),
    );
    return isLedIn(wanted, brokerId);
  });
}

function isLedIn(topics: Iterable<TopicImage | undefined>, brokerId: number): boolean {
  for (const topic of topics) if (topic?.partitions.some(({ leader }) => leader === brokerId)) return true;
  return false;
}

function isForAll({ topics }: MetadataRequest, apiVersion: number): boolean {
  return topics === null || (apiVersion < FIRST_VERSION_WITH_NULL && topics.length === 0);
}

/** v10 and v11 have fields for ids and null names, but do not know what to do with them. */
function checkTopics({ topics }: MetadataRequest, apiVersion: number): void {
  if (apiVersion >= FIRST_VERSION_BY_ID) return;
  for (const { name, topicId } of topics ?? []) {
    if (name === null || topicId !== ZERO_UUID) {
      throw new ApiError(Errors.INVALID_REQUEST, `topics can be asked for by id from version ${FIRST_VERSION_BY_ID}`);
    }
  }
}

/** The answers about the topics of the request, in its order, each topic once. */
async function answerNamed(request: MetadataRequest, context: HandlerContext): Promise<TopicAnswer[]> {
  const wanted = request.topics ?? [];
  const missing = new Set<string>();
  for (const { name, topicId } of wanted) {
    if (topicId === ZERO_UUID && name !== null && !context.metadata.image.topics.byName.has(name)) missing.add(name);
  }
  const errors = await createMissing([...missing], request, context);
  // Read anew: what was created is in the image of now.
  const { topics } = context.metadata.image;
  const answers = new Map<string, TopicAnswer>();
  for (const { name, topicId } of wanted) {
    const isById = topicId !== ZERO_UUID;
    const topic = isById ? topics.byId.get(topicId) : topics.byName.get(name ?? "");
    if (topic !== undefined) answers.set(topic.id, found(topic, request, context));
    else if (isById) answers.set(topicId, failed(null, topicId, Errors.UNKNOWN_TOPIC_ID));
    else
      answers.set(`name:${name}`, failed(name, ZERO_UUID, errors.get(name ?? "") ?? Errors.UNKNOWN_TOPIC_OR_PARTITION));
  }
  return [...answers.values()];
}

/** Gives the error for each missing topic. One that was created and is gone again already is about to have a leader, or not: ask again. */
async function createMissing(
  missing: readonly string[],
  request: MetadataRequest,
  context: HandlerContext,
): Promise<Map<string, number>> {
  const errors = new Map<string, number>();
  const isAllowed = request.allowAutoTopicCreation && context.config.get("auto.create.topics.enable");
  const creatable: string[] = [];
  for (const name of missing) {
    if (validateTopicName(name) !== null) errors.set(name, Errors.INVALID_TOPIC_EXCEPTION);
    else if (isAllowed) creatable.push(name);
    else errors.set(name, Errors.UNKNOWN_TOPIC_OR_PARTITION);
  }
  if (creatable.length === 0) return errors;
  for (const [name, errorCode] of await autoCreate(creatable, context)) {
    errors.set(name, errorCode === Errors.NONE ? Errors.LEADER_NOT_AVAILABLE : errorCode);
  }
  return errors;
}

function found(topic: TopicImage, request: MetadataRequest, context: HandlerContext): TopicAnswer {
  const known = partitionViews(topic, context.metadata.image, context.connection.listenerName);
  const partitions = context.services.isCutOff() ? withoutOwnLeaderships(known, context.nodeId) : known;
  return {
    errorCode: Errors.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopicName(topic.name),
    partitions: context.apiVersion < FIRST_VERSION_WITH_LISTENER_ERROR ? withoutListenerError(partitions) : partitions,
    topicAuthorizedOperations: request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : OPERATIONS_NOT_REQUESTED,
  };
}

/** A broker that is cut off does not call clients back to what others may lead by now: see `cut-off-watch.ts`. */
function withoutOwnLeaderships(partitions: readonly PartitionView[], nodeId: number): readonly PartitionView[] {
  return partitions.map(partition =>
    partition.leaderId === nodeId && partition.isrNodes.length > 1
      ? { ...partition, errorCode: Errors.LEADER_NOT_AVAILABLE, leaderId: NO_LEADER }
      : partition,
  );
}

/** Older clients know no error for a leader that has no such listener; to them it is not available. */
function withoutListenerError(partitions: readonly PartitionView[]): readonly PartitionView[] {
  if (partitions.every(({ errorCode }) => errorCode !== Errors.LISTENER_NOT_FOUND)) return partitions;
  return partitions.map(partition =>
    partition.errorCode === Errors.LISTENER_NOT_FOUND
      ? { ...partition, errorCode: Errors.LEADER_NOT_AVAILABLE }
      : partition,
  );
}

function failed(name: string | null, topicId: string, errorCode: number): TopicAnswer {
  return {
    errorCode,
    name,
    topicId,
    isInternal: name !== null && isInternalTopicName(name),
    partitions: [],
    topicAuthorizedOperations: OPERATIONS_NOT_REQUESTED,
  };
}
