/**
 * Deleting topics, by name or by id. Each topic of a request succeeds or fails for itself.
 */
import { Errors } from "../../../protocol/errors.ts";
import { ZERO_UUID } from "../../../protocol/schema.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { MetadataImage } from "../image.ts";
import { type MetadataRecord, record } from "../records.ts";
import type { TopicImage } from "../topics-image.ts";
import { type ItemError, itemError, type Operation, tooManyRecords } from "./operation.ts";

/** One topic of a DeleteTopics request: by name or, where that is null, by id. */
export interface DeletableTopic {
  readonly name: string | null;
  readonly topicId: string;
}

export interface DeletedTopic {
  readonly name: string | null;
  readonly topicId: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** Decides DeleteTopics; results are in the order of the request. Partitions and configs go with their topic's RemoveTopicRecord. */
export function deleteTopics(
  topics: readonly DeletableTopic[],
  { config }: { readonly config: BrokerConfig },
): Operation<DeletedTopic[]> {
  const maxRecords = config.get("samsa.controller.operation.records.max");
  return {
    name: "delete-topics",
    decide(image) {
      const targets = topics.map(topic => resolveTopic(topic, image));
      const mentions = countMentions(topics, targets);
      const results: DeletedTopic[] = [];
      const records: MetadataRecord[] = [];
      for (const [index, target] of targets.entries()) {
        const requested = topics[index] as DeletableTopic;
        if ("errorCode" in target) {
          results.push({ ...requested, ...target });
          continue;
        }
        const { first, byName, byId } = mentions.get(target.id) as Mentions;
        if (first !== index) continue;
        if (byName + byId > 1) {
          results.push({ ...requested, ...duplicateTopic(byName, byId) });
          continue;
        }
        records.push(record("RemoveTopicRecord", 0, { topicId: target.id }));
        results.push({ name: target.name, topicId: target.id, errorCode: Errors.NONE, errorMessage: null });
      }
      if (records.length > maxRecords) throw tooManyRecords(maxRecords);
      return { records, response: results };
    },
  };
}

function resolveTopic({ name, topicId }: DeletableTopic, image: MetadataImage): TopicImage | ItemError {
  if (name === null && topicId === ZERO_UUID) {
    return itemError(Errors.INVALID_REQUEST, "Neither topic name nor id were specified.");
  }
  if (name !== null && topicId !== ZERO_UUID) {
    return itemError(Errors.INVALID_REQUEST, "You may not specify both topic name and topic id.");
  }
  if (name !== null) {
    const topic = image.topics.byName.get(name);
    return topic ?? itemError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`);
  }
  return image.topics.byId.get(topicId) ?? itemError(Errors.UNKNOWN_TOPIC_ID, `There is no topic with id ${topicId}.`);
}

/** How often a request names a topic, and where first. */
interface Mentions {
  readonly first: number;
  byName: number;
  byId: number;
}

function countMentions(
  topics: readonly DeletableTopic[],
  targets: readonly (TopicImage | ItemError)[],
): Map<string, Mentions> {
  const mentions = new Map<string, Mentions>();
  for (const [index, target] of targets.entries()) {
    if ("errorCode" in target) continue;
    const counted = mentions.get(target.id) ?? { first: index, byName: 0, byId: 0 };
    if (topics[index]?.name === null) counted.byId += 1;
    else counted.byName += 1;
    mentions.set(target.id, counted);
  }
  return mentions;
}

/** A topic named twice is not deleted at all. */
function duplicateTopic(byName: number, byId: number): ItemError {
  if (byName > 0 && byId > 0) {
    return itemError(Errors.INVALID_REQUEST, "The provided topic name maps to an ID that was already supplied.");
  }
  return itemError(Errors.INVALID_REQUEST, byId > 0 ? "Duplicate topic id." : "Duplicate topic name.");
}
