/**
 * DescribeTopicPartitions (75): topics and partitions page by page, with eligible leader replicas (KIP-966).
 *
 * Topics come sorted by name. A page ends at the lower of the client's limit and `max.request.partition.size.limit`; its cursor says where
 * the next one begins.
 */
import { DescribeTopicPartitions } from "../../protocol/apis/75-describe-topic-partitions.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { type RequestOf, ZERO_UUID } from "../../protocol/schema.ts";
import { validateTopicName } from "../metadata/controller/topic-names.ts";
import { isInternalTopicName } from "../metadata/internal-topics.ts";
import type { TopicImage } from "../metadata/topics-image.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";
import { TOPIC_OPERATIONS } from "./metadata/authorized-operations.ts";
import { type PartitionView, partitionViews, sortedTopics } from "./metadata/topic-view.ts";

type DescribeRequest = RequestOf<typeof DescribeTopicPartitions>;
type Cursor = NonNullable<DescribeRequest["cursor"]>;

interface DescribedPartition extends PartitionView {
  readonly eligibleLeaderReplicas: readonly number[];
  readonly lastKnownElr: readonly number[];
}

interface DescribedTopic {
  readonly errorCode: number;
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly partitions: readonly DescribedPartition[];
  readonly topicAuthorizedOperations: number;
}

export const describeTopicPartitions = handler(
  DescribeTopicPartitions,
  (request, context) => {
    checkCursor(request);
    const pageSize = context.config.get("max.request.partition.size.limit");
    return {
      throttleTimeMs: 0,
      ...describePage(request, Math.max(1, Math.min(pageSize, request.responsePartitionLimit)), context),
    };
  },
  ({ topics }, errorCode) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name }) => failed(name, errorCode)),
    nextCursor: null,
  }),
);

function checkCursor({ topics, cursor }: DescribeRequest): void {
  if (cursor === null) return;
  if (cursor.partitionIndex < 0) {
    throw new ApiError(Errors.INVALID_REQUEST, "The cursor's partition must not be negative.");
  }
  if (topics.length > 0 && !topics.some(({ name }) => name === cursor.topicName)) {
    throw new ApiError(Errors.INVALID_REQUEST, "The list of topics must contain the cursor's topic.");
  }
}

function describePage(request: DescribeRequest, limit: number, context: HandlerContext) {
  const { cursor } = request;
  const described: DescribedTopic[] = [];
  let remaining = limit;
  for (const { name, topic } of topicsFrom(request, context)) {
    if (topic === undefined) {
      const isValid = validateTopicName(name) === null;
      described.push(failed(name, isValid ? Errors.UNKNOWN_TOPIC_OR_PARTITION : Errors.INVALID_TOPIC_EXCEPTION));
      continue;
    }
    if (remaining === 0) return { topics: described, nextCursor: { topicName: name, partitionIndex: 0 } };
    const first = name === cursor?.topicName ? cursor.partitionIndex : 0;
    const end = Math.min(topic.partitions.length, first + remaining);
    described.push(describeTopic(topic, first, end, context));
    remaining -= Math.max(0, end - first);
    if (end < topic.partitions.length) {
      return { topics: described, nextCursor: { topicName: name, partitionIndex: end } satisfies Cursor };
    }
  }
  return { topics: described, nextCursor: null };
}

/** What is asked for, from the cursor on, sorted by name: all topics, or those named, unknown ones among them. */
function topicsFrom(
  { topics, cursor }: DescribeRequest,
  { metadata }: HandlerContext,
): readonly { name: string; topic: TopicImage | undefined }[] {
  const first = cursor?.topicName ?? "";
  if (topics.length === 0) {
    return sortedTopics(metadata.image.topics)
      .filter(({ name }) => name >= first)
      .map(topic => ({ name: topic.name, topic }));
  }
  const names = [...new Set(topics.map(({ name }) => name))].filter(name => name >= first).sort();
  return names.map(name => ({ name, topic: metadata.image.topics.byName.get(name) }));
}

function describeTopic(topic: TopicImage, first: number, end: number, context: HandlerContext): DescribedTopic {
  const views = partitionViews(topic, context.metadata.image, context.connection.listenerName);
  return {
    errorCode: Errors.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopicName(topic.name),
    partitions: views.slice(first, end).map((view, index) => ({
      ...view,
      eligibleLeaderReplicas: topic.partitions[first + index]?.eligibleLeaderReplicas ?? [],
      lastKnownElr: topic.partitions[first + index]?.lastKnownElr ?? [],
    })),
    topicAuthorizedOperations: TOPIC_OPERATIONS,
  };
}

function failed(name: string, errorCode: number): DescribedTopic {
  return {
    errorCode,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopicName(name),
    partitions: [],
    topicAuthorizedOperations: TOPIC_OPERATIONS,
  };
}
