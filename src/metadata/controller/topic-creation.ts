/**
 * Creating topics.
 *
 * The outcomes and their order of checks are those of Kafka's `ReplicationControlManager`; each topic of a request succeeds or fails for itself.
 */
import type { CreateTopics } from "../../../protocol/apis/19-create-topics.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { type RequestOf, type ResponseOf, ZERO_UUID } from "../../../protocol/schema.ts";
import { type BrokerConfig, ConfigResourceType, describeTopic, validateTopicConfigs } from "../../config/index.ts";
import { metadataVersionOf, partitionRecordVersion } from "../features.ts";
import type { MetadataImage } from "../image.ts";
import { CLUSTER_METADATA_TOPIC } from "../internal-topics.ts";
import { type MetadataRecord, record } from "../records.ts";
import { partitionRecord } from "../snapshot.ts";
import { checkedAssignment, newPartition } from "./assignments.ts";
import { type ItemError, itemError, type Operation, tooManyRecords } from "./operation.ts";
import { placeReplicas, type UsableBroker } from "./placement.ts";
import { collisionKey, mayCollide, validateTopicName } from "./topic-names.ts";

type CreateRequest = RequestOf<typeof CreateTopics>;
type CreateResponse = ResponseOf<typeof CreateTopics>;
type CreatableTopic = CreateRequest["topics"][number];
type CreatableTopicResult = CreateResponse["topics"][number];

/** What chance contributes to a creation: decided outside, so that deciding has none. */
export interface CreateTopicsChance {
  /** One for each topic of the request. */
  readonly topicIds: readonly string[];
  /** Where placement begins. */
  readonly start: number;
}

/** A topic that passed all checks: its records and its part of the response. */
interface NewTopic {
  readonly records: readonly MetadataRecord[];
  readonly result: CreatableTopicResult;
}

/**
 * Decides CreateTopics. Records of a topic: TopicRecord, its ConfigRecords, its PartitionRecords.
 * Throws `ApiError` POLICY_VIOLATION when the request takes too many records.
 */
export function createTopics(
  request: CreateRequest,
  chance: CreateTopicsChance,
  modules: { readonly config: BrokerConfig },
): Operation<CreateResponse> {
  return {
    name: "create-topics",
    decide(image) {
      const maxRecords = modules.config.get("samsa.controller.operation.records.max");
      const described = new DescribedConfigs(modules.config);
      checkPartitionTotal(request, maxRecords);
      const duplicates = duplicateNames(request);
      const collisions = new Collisions(image);
      const answered = new Set<string>();
      const records: MetadataRecord[] = [];
      const topics: CreatableTopicResult[] = [];
      for (const [index, topic] of request.topics.entries()) {
        if (answered.has(topic.name)) continue;
        answered.add(topic.name);
        const id = chance.topicIds[index] as string;
        const start = chance.start + index;
        const outcome = duplicates.has(topic.name)
          ? itemError(Errors.INVALID_REQUEST, "Duplicate topic name.")
          : createOne(topic, { image, collisions, described, id, start, config: modules.config });
        if ("errorCode" in outcome) {
          topics.push(failedResult(topic.name, outcome));
          continue;
        }
        records.push(...outcome.records);
        collisions.add(topic.name);
        topics.push(request.validateOnly ? { ...outcome.result, topicId: ZERO_UUID } : outcome.result);
      }
      if (records.length > maxRecords) throw tooManyRecords(maxRecords);
      return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, topics } };
    },
  };
}

interface CreateContext {
  readonly image: MetadataImage;
  readonly collisions: Collisions;
  readonly described: DescribedConfigs;
  readonly id: string;
  readonly start: number;
  readonly config: BrokerConfig;
}

function createOne(topic: CreatableTopic, context: CreateContext): NewTopic | ItemError {
  const refused = checkName(topic.name, context);
  if (refused !== null) return refused;
  const configs = topicConfigs(topic, context.config);
  if (!(configs instanceof Map)) return configs;
  try {
    const replicas = topic.assignments.length > 0 ? manualReplicas(topic, context) : placedReplicas(topic, context);
    return newTopic(topic.name, replicas, configs, context);
  } catch (error) {
    if (error instanceof ApiError) return itemError(error.code, error.message);
    throw error;
  }
}

function checkName(name: string, { image, collisions }: CreateContext): ItemError | null {
  if (name === CLUSTER_METADATA_TOPIC) {
    return itemError(Errors.TOPIC_AUTHORIZATION_FAILED, `'${name}' is the metadata log of the cluster itself.`);
  }
  const invalid = validateTopicName(name);
  if (invalid !== null) return itemError(Errors.INVALID_TOPIC_EXCEPTION, invalid);
  if (image.topics.byName.has(name)) {
    return itemError(Errors.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  }
  const other = collisions.find(name);
  if (other === undefined) return null;
  return itemError(Errors.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${other}`);
}

/** The topic's configuration by name, or why it is refused. Of a key given twice the later value holds. */
function topicConfigs(topic: CreatableTopic, config: BrokerConfig): Map<string, string> | ItemError {
  const configs = new Map<string, string>();
  for (const { name, value } of topic.configs) {
    if (value === null) {
      return itemError(Errors.INVALID_CONFIG, `Null value not supported for topic configs: ${name}`);
    }
    configs.set(name, value);
  }
  const invalid = validateTopicConfigs(configs, config);
  return invalid === null ? configs : itemError(Errors.INVALID_CONFIG, invalid);
}

function manualReplicas(topic: CreatableTopic, { image }: CreateContext): number[][] {
  if (topic.replicationFactor !== -1) {
    throw new ApiError(
      Errors.INVALID_REQUEST,
      "A manual partition assignment was specified, but replication factor was not set to -1.",
    );
  }
  if (topic.numPartitions !== -1) {
    throw new ApiError(
      Errors.INVALID_REQUEST,
      "A manual partition assignment was specified, but numPartitions was not set to -1.",
    );
  }
  const byPartition = new Map(topic.assignments.map(({ partitionIndex, brokerIds }) => [partitionIndex, brokerIds]));
  if (byPartition.size !== topic.assignments.length) {
    throw new ApiError(
      Errors.INVALID_REPLICA_ASSIGNMENT,
      "Found multiple manual partition assignments for a partition.",
    );
  }
  let replicationFactor: number | null = null;
  return topic.assignments.map((_, partition) => {
    const brokerIds = byPartition.get(partition);
    if (brokerIds === undefined) {
      throw new ApiError(
        Errors.INVALID_REPLICA_ASSIGNMENT,
        "Partitions should be a consecutive 0-based integer sequence.",
      );
    }
    replicationFactor ??= brokerIds.length;
    return checkedAssignment(brokerIds, replicationFactor, image);
  });
}

function placedReplicas(topic: CreatableTopic, { image, config, start }: CreateContext): number[][] {
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    throw new ApiError(
      Errors.INVALID_REPLICATION_FACTOR,
      "Replication factor must be larger than 0, or -1 to use the default value.",
    );
  }
  if (topic.numPartitions < -1 || topic.numPartitions === 0) {
    throw new ApiError(Errors.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value.");
  }
  return placeReplicas(usableBrokers(image), {
    partitionCount: topic.numPartitions === -1 ? config.get("num.partitions") : topic.numPartitions,
    replicationFactor:
      topic.replicationFactor === -1 ? config.get("default.replication.factor") : topic.replicationFactor,
    start,
  });
}

/** The registered brokers, as placement sees them: without those on their way out, and those that take nothing new (KIP-1066). */
export function usableBrokers(image: MetadataImage): UsableBroker[] {
  const usable: UsableBroker[] = [];
  for (const { id, rack, fenced, inControlledShutdown, logDirs, cordonedLogDirs } of image.cluster.brokers.values()) {
    const isCordoned = logDirs.length > 0 && logDirs.every(directory => cordonedLogDirs?.includes(directory) ?? false);
    // A fenced broker may come back: what it was told before it stopped is over then.
    if (isCordoned || (inControlledShutdown && !fenced)) continue;
    usable.push({ id, rack, isActive: !fenced });
  }
  return usable;
}

function newTopic(
  name: string,
  replicas: readonly (readonly number[])[],
  configs: ReadonlyMap<string, string>,
  { image, id, described }: CreateContext,
): NewTopic {
  const version = partitionRecordVersion(metadataVersionOf(image));
  const records: MetadataRecord[] = [record("TopicRecord", 0, { name, topicId: id })];
  for (const [key, value] of configs) {
    records.push(
      record("ConfigRecord", 0, { resourceType: ConfigResourceType.TOPIC, resourceName: name, name: key, value }),
    );
  }
  for (const [partition, brokerIds] of replicas.entries()) {
    records.push(partitionRecord({ id }, newPartition(partition, brokerIds, image), version));
  }
  return {
    records,
    result: {
      name,
      topicId: id,
      errorCode: Errors.NONE,
      errorMessage: null,
      topicConfigErrorCode: Errors.NONE,
      numPartitions: replicas.length,
      replicationFactor: replicas[0]?.length ?? 0,
      configs: described.of(configs),
    },
  };
}

/** All configuration of new topics, by name (KIP-525). A request's topics often have the same, so it is worked out once. */
class DescribedConfigs {
  readonly #config: BrokerConfig;
  readonly #known = new Map<string, CreatableTopicResult["configs"]>();

  constructor(config: BrokerConfig) {
    this.#config = config;
  }

  of(configs: ReadonlyMap<string, string>): CreatableTopicResult["configs"] {
    const key = JSON.stringify([...configs]);
    let described = this.#known.get(key);
    if (described === undefined) {
      described = describeTopic(configs, this.#config)
        .map(({ name, value, readOnly, configSource, isSensitive }) => ({
          name,
          value,
          readOnly,
          configSource,
          isSensitive,
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      this.#known.set(key, described);
    }
    return described;
  }
}

function failedResult(name: string, { errorCode, errorMessage }: ItemError): CreatableTopicResult {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode,
    errorMessage,
    topicConfigErrorCode: Errors.NONE,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  };
}

/** Refused before any work is done for them. */
function checkPartitionTotal(request: CreateRequest, maxRecords: number): void {
  let total = 0;
  for (const topic of request.topics) total += Math.max(topic.assignments.length, topic.numPartitions, 1);
  if (total > maxRecords) throw tooManyRecords(maxRecords);
}

function duplicateNames({ topics }: CreateRequest): ReadonlySet<string> {
  const seen = new Set<string>();
  const duplicates = new Set<string>();
  for (const { name } of topics) (seen.has(name) ? duplicates : seen).add(name);
  return duplicates;
}

/** Finds topics whose names differ only in '.' and '_'. Walks all topics once, when the first such name comes. */
class Collisions {
  readonly #image: MetadataImage;
  #byKey: Map<string, string> | null = null;
  readonly #added: string[] = [];

  constructor(image: MetadataImage) {
    this.#image = image;
  }

  add(name: string): void {
    if (!mayCollide(name)) return;
    if (this.#byKey === null) this.#added.push(name);
    else this.#byKey.set(collisionKey(name), name);
  }

  find(name: string): string | undefined {
    if (!mayCollide(name)) return undefined;
    if (this.#byKey === null) {
      this.#byKey = new Map();
      for (const other of this.#image.topics.byName.keys()) {
        if (mayCollide(other)) this.#byKey.set(collisionKey(other), other);
      }
      for (const other of this.#added) this.#byKey.set(collisionKey(other), other);
    }
    return this.#byKey.get(collisionKey(name));
  }
}
