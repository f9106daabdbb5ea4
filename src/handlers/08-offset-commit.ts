/**
 * OffsetCommit (8): stores how far a group has consumed, durably before it is answered.
 *
 * - v2–4: the client may say how long offsets are kept; later versions leave that to the broker.
 * - v6: leader epochs (KIP-320). v7: static members (KIP-345).
 * - v9: members of the consumer protocol, with their epoch for a generation (KIP-848).
 * - v10: topics by id.
 */
import { OffsetCommit } from "../../protocol/apis/08-offset-commit.ts";
import { Errors } from "../../protocol/errors.ts";
import type { RequestOf } from "../../protocol/schema.ts";
import type { CommitTopic } from "../coordinators/group/offsets/commit.ts";
import type { MetadataImage } from "../metadata/image.ts";
import { handler } from "./handler.ts";

type RequestTopic = RequestOf<typeof OffsetCommit>["topics"][number];

const FIRST_VERSION_BY_ID = 10;

export const offsetCommit = handler(
  OffsetCommit,
  async (request, context) => {
    const byId = context.apiVersion >= FIRST_VERSION_BY_ID;
    const resolved = request.topics.map(topic => resolve(topic, byId, context.metadata.image));
    const topics = resolved.filter(topic => topic !== null);
    const results =
      topics.length === 0
        ? []
        : await context.groups.commitOffsets({ ...request, apiVersion: context.apiVersion, topics });
    const missing = byId ? Errors.UNKNOWN_TOPIC_ID : Errors.UNKNOWN_TOPIC_OR_PARTITION;
    let next = 0;
    return {
      throttleTimeMs: 0,
      topics: request.topics.map((topic, index) => {
        const codes = resolved[index] === null ? undefined : results[next++];
        return answer(topic, partition => codes?.[partition] ?? missing);
      }),
    };
  },
  (request, errorCode) => ({ throttleTimeMs: 0, topics: request.topics.map(topic => answer(topic, () => errorCode)) }),
);

/** The topic with both its names; null when there is none such. */
function resolve({ name, topicId, partitions }: RequestTopic, byId: boolean, image: MetadataImage): CommitTopic | null {
  const topic = byId ? image.topics.byId.get(topicId) : image.topics.byName.get(name);
  return topic === undefined ? null : { name: topic.name, topicId: topic.id, partitions };
}

function answer({ name, topicId, partitions }: RequestTopic, errorOf: (index: number) => number) {
  return {
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }, index) => ({ partitionIndex, errorCode: errorOf(index) })),
  };
}
