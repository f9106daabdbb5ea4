/**
 * DescribeConfigs (32): the configuration of topics, brokers, groups and client metrics subscriptions, with where each value comes from.
 *
 * - v1: synonyms, nearest first (KIP-226).
 * - v3: types and documentation (KIP-569).
 */
import { DescribeConfigs } from "../../protocol/apis/32-describe-configs.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { RequestOf } from "../../protocol/schema.ts";
import {
  type ConfigEntry,
  ConfigResourceType,
  ConfigSource,
  type DescribeOptions,
  describeBroker,
  describeClientMetrics,
  describeClusterDefault,
  describeGroup,
  describeTopic,
} from "../config/index.ts";
import { ALL_BROKERS } from "../metadata/configs-image.ts";
import { validateTopicName } from "../metadata/controller/topic-names.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";

/** Kafka tells no type of a logger. */
const UNKNOWN_TYPE = 0;

type DescribeRequest = RequestOf<typeof DescribeConfigs>;
type Resource = DescribeRequest["resources"][number];

export const describeConfigs = handler(
  DescribeConfigs,
  (request, context) => ({
    throttleTimeMs: 0,
    results: request.resources.map(resource => describeResource(resource, request, context)),
  }),
  ({ resources }, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    results: resources.map(({ resourceType, resourceName }) => ({
      errorCode,
      errorMessage,
      resourceType,
      resourceName,
      configs: [],
    })),
  }),
);

/** Resources fail one by one. */
function describeResource(resource: Resource, request: DescribeRequest, context: HandlerContext) {
  const { resourceType, resourceName, configurationKeys } = resource;
  const options: DescribeOptions = {
    names: configurationKeys?.length === 0 ? null : configurationKeys,
    includeSynonyms: request.includeSynonyms,
    includeDocumentation: request.includeDocumentation,
  };
  try {
    const configs = entriesOf(resource, options, context);
    return { errorCode: Errors.NONE, errorMessage: null, resourceType, resourceName, configs };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { errorCode: error.code, errorMessage: error.message, resourceType, resourceName, configs: [] };
  }
}

function entriesOf({ resourceType, resourceName: name }: Resource, options: DescribeOptions, context: HandlerContext) {
  const { config } = context;
  const overrides = context.metadata.image.configs.of(resourceType, name);
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      checkTopic(name, context);
      return describeTopic(overrides, config, options);
    case ConfigResourceType.BROKER:
      if (name === ALL_BROKERS) return describeClusterDefault(config, options);
      checkThisBroker(name, context, " or empty string");
      return describeBroker(config, options);
    case ConfigResourceType.BROKER_LOGGER:
      checkThisBroker(name, context, "");
      return describeLoggers(options, context);
    case ConfigResourceType.CLIENT_METRICS:
      if (name === "") throw invalidRequest("Client metrics subscription name must not be empty");
      return describeClientMetrics(overrides, config, options);
    case ConfigResourceType.GROUP:
      if (name === "") throw invalidRequest("Group name must not be empty");
      return describeGroup(overrides, config, options);
    default:
      throw invalidRequest(`Unsupported resource type: ${resourceType}`);
  }
}

function checkTopic(name: string, { metadata }: HandlerContext): void {
  const invalid = validateTopicName(name);
  if (invalid !== null) throw new ApiError(Errors.INVALID_TOPIC_EXCEPTION, invalid);
  if (!metadata.image.topics.byName.has(name)) throw new ApiError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
}

/** A broker answers for itself only: it alone knows its static settings. */
function checkThisBroker(name: string, { nodeId }: HandlerContext, alternative: string): void {
  if (!/^-?\d{1,10}$/.test(name)) throw invalidRequest(`Broker id must be an integer, but it is: ${name}`);
  if (Number(name) === nodeId) return;
  throw invalidRequest(`Unexpected broker id, expected ${nodeId}${alternative}, but received ${name}`);
}

/** There is one logger, and its level is set at start. */
function describeLoggers({ names }: DescribeOptions, { config }: HandlerContext): ConfigEntry[] {
  const root: ConfigEntry = {
    name: "root",
    value: config.get("samsa.log.level").toUpperCase(),
    readOnly: true,
    configSource: ConfigSource.DYNAMIC_BROKER_LOGGER_CONFIG,
    isSensitive: false,
    synonyms: [],
    configType: UNKNOWN_TYPE,
    documentation: null,
  };
  return names === null || names === undefined || names.includes(root.name) ? [root] : [];
}

function invalidRequest(message: string): ApiError {
  return new ApiError(Errors.INVALID_REQUEST, message);
}
