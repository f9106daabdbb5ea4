/**
 * Changing dynamic configuration: IncrementalAlterConfigs (KIP-339) and the older AlterConfigs, which replaces all a resource has.
 *
 * Each resource succeeds or fails for itself: its new settings are computed, checked as a whole, and written as one ConfigRecord a change.
 */
import type { AlterConfigs } from "../../../protocol/apis/33-alter-configs.ts";
import type { IncrementalAlterConfigs } from "../../../protocol/apis/44-incremental-alter-configs.ts";
import { Errors } from "../../../protocol/errors.ts";
import type { RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import {
  appendToList,
  type BrokerConfig,
  CORDONED_LOG_DIRS,
  ConfigResourceType,
  configDefinition,
  subtractFromList,
  validateBrokerConfig,
  validateBrokerUpdate,
  validateClientMetricsConfigs,
  validateGroupConfigs,
  validateTopicConfigs,
} from "../../config/index.ts";
import { ALL_BROKERS, type ConfigResource, resourceKey } from "../configs-image.ts";
import { MetadataVersion, metadataVersionOf } from "../features.ts";
import type { MetadataImage } from "../image.ts";
import { type MetadataRecord, record } from "../records.ts";
import { MIN_INSYNC_REPLICAS } from "./elr-safety.ts";
import { type ItemError, itemError, type Operation, tooManyRecords } from "./operation.ts";
import { partitionChangeRecord } from "./partition-change.ts";
import type { PartitionIndex } from "./partition-index.ts";
import { hasEligibleLeaderReplicas } from "./partition-rules.ts";

type IncrementalRequest = RequestOf<typeof IncrementalAlterConfigs>;
type IncrementalResponse = ResponseOf<typeof IncrementalAlterConfigs>;
type ReplacingRequest = RequestOf<typeof AlterConfigs>;
type ReplacingResponse = ResponseOf<typeof AlterConfigs>;

/** `configOperation` of IncrementalAlterConfigs. */
const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface AlterConfigsModules {
  readonly config: BrokerConfig;
}

type Settings = ReadonlyMap<string, string>;

/** A resource of a request, and what its settings are to become. */
interface Alteration extends ConfigResource {
  readonly resourceType: number;
  readonly resourceName: string;
  /** Names of the keys the request gives, in order. */
  readonly keys: readonly string[];
  /** The settings after the change, or why there are none. */
  change(before: Settings): Settings | ItemError;
}

/** Decides IncrementalAlterConfigs. */
export function incrementalAlterConfigs(
  request: IncrementalRequest,
  modules: AlterConfigsModules,
): Operation<IncrementalResponse> {
  const alterations = request.resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    resourceType,
    resourceName,
    keys: configs.map(({ name }) => name),
    change: (before: Settings) => changedSettings(resourceType, before, configs, modules.config),
  }));
  return alterOperation("incremental-alter-configs", alterations, request.validateOnly, modules);
}

/** Decides AlterConfigs: keys that are not in the request go back to their default. */
export function alterConfigs(request: ReplacingRequest, modules: AlterConfigsModules): Operation<ReplacingResponse> {
  const alterations = request.resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    resourceType,
    resourceName,
    keys: configs.map(({ name }) => name),
    change: () => replacedSettings(configs),
  }));
  return alterOperation("alter-configs", alterations, request.validateOnly, modules);
}

function alterOperation(
  name: string,
  alterations: readonly Alteration[],
  validateOnly: boolean,
  { config }: AlterConfigsModules,
): Operation<ReplacingResponse> {
  const maxRecords = config.get("samsa.controller.operation.records.max");
  return {
    name,
    decide(image, _context, index) {
      const mentions = new Map<string, number>();
      for (const { type, name } of alterations) {
        mentions.set(resourceKey(type, name), (mentions.get(resourceKey(type, name)) ?? 0) + 1);
      }
      const records: MetadataRecord[] = [];
      const responses: ReplacingResponse["responses"] = [];
      for (const alteration of alterations) {
        const { resourceType, resourceName } = alteration;
        const isRepeated = (mentions.get(resourceKey(resourceType, resourceName)) ?? 0) > 1;
        const outcome = isRepeated
          ? itemError(Errors.INVALID_REQUEST, "Each resource must appear at most once.")
          : alterOne(alteration, image, index, config);
        if (Array.isArray(outcome)) {
          for (const made of outcome) records.push(made);
          responses.push({ errorCode: Errors.NONE, errorMessage: null, resourceType, resourceName });
        } else {
          responses.push({ ...(outcome as ItemError), resourceType, resourceName });
        }
        if (records.length > maxRecords) throw tooManyRecords(maxRecords);
      }
      return { records: validateOnly ? [] : records, response: { throttleTimeMs: 0, responses } };
    },
  };
}

function alterOne(
  alteration: Alteration,
  image: MetadataImage,
  index: PartitionIndex,
  config: BrokerConfig,
): MetadataRecord[] | ItemError {
  const problem = checkResource(alteration, image);
  if (problem !== null) return problem;
  if (new Set(alteration.keys).size !== alteration.keys.length) {
    return itemError(Errors.INVALID_REQUEST, "Error due to duplicate config keys");
  }
  const before = image.configs.of(alteration.type, alteration.name);
  const after = alteration.change(before);
  if ("errorCode" in after) return after;
  const invalid =
    checkCordoning(alteration, before, after, image) ?? checkSettings(alteration, before, after, image, config);
  return invalid ?? changeRecords(alteration, before, after, image, index);
}

function checkResource({ type, name }: ConfigResource, image: MetadataImage): ItemError | null {
  switch (type) {
    case ConfigResourceType.TOPIC:
      if (image.topics.byName.has(name)) return null;
      return itemError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`);
    case ConfigResourceType.BROKER:
      return checkBroker(name, image);
    case ConfigResourceType.CLIENT_METRICS:
      if (name !== "") return null;
      return itemError(Errors.INVALID_REQUEST, "Subscription name can't be empty");
    case ConfigResourceType.GROUP:
      if (name !== "") return null;
      return itemError(Errors.INVALID_REQUEST, "Group name can't be empty.");
    case ConfigResourceType.BROKER_LOGGER:
      return itemError(
        Errors.INVALID_REQUEST,
        "Log levels are set by the broker's configuration, not by this request.",
      );
    default:
      return itemError(Errors.INVALID_REQUEST, `Unexpected resource type ${type}.`);
  }
}

function checkBroker(name: string, image: MetadataImage): ItemError | null {
  if (name === ALL_BROKERS) return null;
  if (!/^\d{1,10}$/.test(name)) {
    return itemError(Errors.INVALID_REQUEST, `Node id must be an integer, but it is: ${name}`);
  }
  if (image.cluster.brokers.has(Number(name))) return null;
  return itemError(Errors.BROKER_ID_NOT_REGISTERED, `No broker with id ${name} found.`);
}

type IncrementalConfig = IncrementalRequest["resources"][number]["configs"][number];

function changedSettings(
  type: number,
  before: Settings,
  configs: readonly IncrementalConfig[],
  config: BrokerConfig,
): Settings | ItemError {
  const after = new Map(before);
  for (const { name, configOperation, value } of configs) {
    if (configOperation === ConfigOperation.DELETE) {
      after.delete(name);
      continue;
    }
    if (value === null) return itemError(Errors.INVALID_REQUEST, `Null value not supported for : ${name}`);
    if (configOperation === ConfigOperation.SET) {
      after.set(name, value);
      continue;
    }
    if (configOperation !== ConfigOperation.APPEND && configOperation !== ConfigOperation.SUBTRACT) {
      return itemError(Errors.INVALID_REQUEST, `Unknown operation type ${configOperation} for config ${name}.`);
    }
    const definition = configDefinition(type as ConfigResourceType, name, config.get("samsa.emulate.version"));
    const isAppend = configOperation === ConfigOperation.APPEND;
    if (definition?.type !== "list") {
      return itemError(
        Errors.INVALID_CONFIG,
        `Can't ${isAppend ? "APPEND" : "SUBTRACT"} to key ${name} because its type is not LIST.`,
      );
    }
    // Kafka starts from the key's own default, not from what the broker would supply.
    const current = after.get(name) ?? (definition.default as readonly string[] | null)?.join(",") ?? null;
    after.set(name, isAppend ? appendToList(current, value) : subtractFromList(current, value));
  }
  return after;
}

function replacedSettings(
  configs: readonly { readonly name: string; readonly value: string | null }[],
): Settings | ItemError {
  const after = new Map<string, string>();
  for (const { name, value } of configs) {
    if (value === null) return itemError(Errors.INVALID_REQUEST, `Null value not supported for : ${name}`);
    after.set(name, value);
  }
  return after;
}

function checkSettings(
  resource: ConfigResource,
  before: Settings,
  after: Settings,
  image: MetadataImage,
  config: BrokerConfig,
): ItemError | null {
  switch (resource.type) {
    case ConfigResourceType.TOPIC:
      return orNull(Errors.INVALID_CONFIG, validateTopicConfigs(after, config));
    case ConfigResourceType.CLIENT_METRICS:
      return orNull(Errors.INVALID_CONFIG, validateClientMetricsConfigs(after));
    case ConfigResourceType.GROUP:
      return orNull(Errors.INVALID_CONFIG, validateGroupConfigs(after, config));
    default:
      // Kafka answers INVALID_REQUEST here, and keeps to it for its clients' sake (KAFKA-13609).
      return (
        checkMinInsyncReplicas(resource, before, after, image) ??
        orNull(Errors.INVALID_REQUEST, checkBrokerSettings(resource, before, after, image, config))
      );
  }
}

/** Keys that are set or taken away must be dynamic ones, and the layers they leave must be fit to run with. */
function checkBrokerSettings(
  { name }: ConfigResource,
  before: Settings,
  after: Settings,
  image: MetadataImage,
  config: BrokerConfig,
): string | null {
  const isCluster = name === ALL_BROKERS;
  const level = isCluster ? "cluster" : "broker";
  for (const key of changedKeys(before, after)) {
    const complaint = validateBrokerConfig(key, after.get(key) ?? null, level);
    if (complaint !== null) return complaint;
  }
  const cluster = isCluster ? after : image.configs.of(ConfigResourceType.BROKER, ALL_BROKERS);
  const own = isCluster ? image.configs.of(ConfigResourceType.BROKER, String(config.nodeId)) : after;
  return validateBrokerUpdate(config, own, cluster);
}

/** Until the cluster's version knows of cordoned directories nothing may be said of them (KIP-1066). */
function checkCordoning(
  { type, keys }: Alteration,
  before: Settings,
  after: Settings,
  image: MetadataImage,
): ItemError | null {
  if (type !== ConfigResourceType.BROKER || ![...keys, ...changedKeys(before, after)].includes(CORDONED_LOG_DIRS))
    return null;
  if (metadataVersionOf(image) >= MetadataVersion.CORDONED_DIRECTORIES) return null;
  return itemError(
    Errors.INVALID_CONFIG,
    `The ${CORDONED_LOG_DIRS} configuration value cannot be set because it requires metadata.version >= 4.3-IV0`,
  );
}

/** With eligible leader replicas one minimum must hold for all brokers, so that all agree on which replicas qualify (KIP-966). */
function checkMinInsyncReplicas(
  { name }: ConfigResource,
  before: Settings,
  after: Settings,
  image: MetadataImage,
): ItemError | null {
  if (!hasEligibleLeaderReplicas(image) || before.get(MIN_INSYNC_REPLICAS) === after.get(MIN_INSYNC_REPLICAS))
    return null;
  if (name !== ALL_BROKERS) {
    return itemError(Errors.INVALID_CONFIG, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
  }
  if (after.has(MIN_INSYNC_REPLICAS)) return null;
  return itemError(Errors.INVALID_CONFIG, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.");
}

function changeRecords(
  resource: ConfigResource,
  before: Settings,
  after: Settings,
  image: MetadataImage,
  index: PartitionIndex,
): MetadataRecord[] {
  const records = changedKeys(before, after).map(name =>
    record("ConfigRecord", 0, {
      resourceType: resource.type,
      resourceName: resource.name,
      name,
      value: after.get(name) ?? null,
    }),
  );
  // Replicas qualified under the old minimum; what they hold says nothing under the new one.
  const changesMinimum = before.get(MIN_INSYNC_REPLICAS) !== after.get(MIN_INSYNC_REPLICAS);
  const isTopic = resource.type === ConfigResourceType.TOPIC;
  if (changesMinimum && hasEligibleLeaderReplicas(image) && (isTopic || resource.type === ConfigResourceType.BROKER)) {
    for (const cleared of elrClearRecords(isTopic ? resource.name : null, image, index)) records.push(cleared);
  }
  return records;
}

/**
 * Forgets eligible replicas of a topic, or of all. But where a partition has no leader, no high watermark has moved since they became eligible:
 * there they are all that is left to elect, and stay. (Kafka forgets them too, and the partition waits for an operator.)
 */
function elrClearRecords(topicName: string | null, image: MetadataImage, index: PartitionIndex): MetadataRecord[] {
  if (index.leaderless.size === 0) return [record("ClearElrRecord", 0, { topicName: topicName ?? "" })];
  const one = topicName === null ? undefined : image.topics.byName.get(topicName);
  const topics = topicName === null ? image.topics.byId.values() : one === undefined ? [] : [one];
  const records: MetadataRecord[] = [];
  for (const { id, partitions } of topics) {
    for (const { partition, isr, eligibleLeaderReplicas } of partitions) {
      if (isr.length === 0 || eligibleLeaderReplicas.length === 0) continue;
      records.push(partitionChangeRecord(id, partition, { eligibleLeaderReplicas: [] }, image));
    }
  }
  return records;
}

function changedKeys(before: Settings, after: Settings): string[] {
  const set = [...after].filter(([name, value]) => before.get(name) !== value).map(([name]) => name);
  const removed = [...before.keys()].filter(name => !after.has(name));
  return [...set, ...removed];
}

function orNull(errorCode: number, message: string | null): ItemError | null {
  return message === null ? null : itemError(errorCode, message);
}
