/**
 * Growing topics.
 */
import type { CreatePartitions } from "../../../protocol/apis/37-create-partitions.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import type { BrokerConfig } from "../../config/index.ts";
import { metadataVersionOf, partitionRecordVersion } from "../features.ts";
import type { MetadataImage } from "../image.ts";
import type { MetadataRecord } from "../records.ts";
import { partitionRecord } from "../snapshot.ts";
import type { TopicImage } from "../topics-image.ts";
import { checkedAssignment, newPartition } from "./assignments.ts";
import { type ItemError, itemError, type Operation, tooManyRecords } from "./operation.ts";
import { placeReplicas } from "./placement.ts";
import { usableBrokers } from "./topic-creation.ts";

type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>;
type CreatePartitionsResponse = ResponseOf<typeof CreatePartitions>;
type GrowingTopic = CreatePartitionsRequest["topics"][number];

/**
 * Decides CreatePartitions: each topic grows, or gets an error, for itself.
 * Throws `ApiError` POLICY_VIOLATION when the request takes too many records.
 *
 * @param start where placement begins
 */
export function createPartitions(
  request: CreatePartitionsRequest,
  start: number,
  { config }: { readonly config: BrokerConfig },
): Operation<CreatePartitionsResponse> {
  const maxRecords = config.get("samsa.controller.operation.records.max");
  return {
    name: "create-partitions",
    decide(image) {
      const duplicates = namesGivenTwice(request);
      const answered = new Set<string>();
      const records: MetadataRecord[] = [];
      const results: CreatePartitionsResponse["results"] = [];
      for (const topic of request.topics) {
        if (answered.has(topic.name)) continue;
        answered.add(topic.name);
        const outcome = duplicates.has(topic.name)
          ? itemError(Errors.INVALID_REQUEST, "Duplicate topic name.")
          : growOne(topic, { image, start, maxRecords });
        if (Array.isArray(outcome)) {
          for (const made of outcome) records.push(made);
          results.push({ name: topic.name, errorCode: Errors.NONE, errorMessage: null });
        } else {
          results.push({ name: topic.name, ...(outcome as ItemError) });
        }
        if (records.length > maxRecords) throw tooManyRecords(maxRecords);
      }
      return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, results } };
    },
  };
}

interface GrowContext {
  readonly image: MetadataImage;
  readonly start: number;
  readonly maxRecords: number;
}

function growOne(
  { name, count, assignments }: GrowingTopic,
  { image, start, maxRecords }: GrowContext,
): MetadataRecord[] | ItemError {
  const topic = image.topics.byName.get(name);
  if (topic === undefined) return itemError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`);
  const before = topic.partitions.length;
  if (count === before) return itemError(Errors.INVALID_PARTITIONS, `Topic already has ${before} partition(s).`);
  if (count < before) {
    return itemError(
      Errors.INVALID_PARTITIONS,
      `The topic ${name} currently has ${before} partition(s); ${count} would not be an increase.`,
    );
  }
  const added = count - before;
  if (added > maxRecords) throw tooManyRecords(maxRecords);
  try {
    const replicas =
      assignments === null
        ? placeReplicas(usableBrokers(image), {
            partitionCount: added,
            replicationFactor: replicationFactorOf(topic),
            start: start + before,
          })
        : assignedReplicas(topic, assignments, added, image);
    const version = partitionRecordVersion(metadataVersionOf(image));
    return replicas.map((brokerIds, index) =>
      partitionRecord(topic, newPartition(before + index, brokerIds, image), version),
    );
  } catch (error) {
    if (error instanceof ApiError) return itemError(error.code, error.message);
    throw error;
  }
}

function assignedReplicas(
  topic: TopicImage,
  assignments: NonNullable<GrowingTopic["assignments"]>,
  added: number,
  image: MetadataImage,
): number[][] {
  if (assignments.length !== added) {
    throw new ApiError(
      Errors.INVALID_REPLICA_ASSIGNMENT,
      `Attempted to add ${added} additional partition(s), but ${assignments.length} assignment(s) were specified.`,
    );
  }
  return assignments.map(({ brokerIds }) => checkedAssignment(brokerIds, replicationFactorOf(topic), image));
}

function replicationFactorOf(topic: TopicImage): number {
  return topic.partitions[0]?.replicas.length ?? 1;
}

function namesGivenTwice({ topics }: CreatePartitionsRequest): ReadonlySet<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { name } of topics) (seen.has(name) ? twice : seen).add(name);
  return twice;
}
