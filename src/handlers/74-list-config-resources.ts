/**
 * ListConfigResources (74): names of the resources that configuration can be asked for (KIP-714, KIP-1142).
 *
 * - v0 (then ListClientMetricsResources): client metrics subscriptions only.
 * - v1: of the types asked for; of all types when none is.
 */
import { ListConfigResources } from "../../protocol/apis/74-list-config-resources.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { ConfigResourceType } from "../config/index.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";
import { sortedTopics } from "./metadata/topic-view.ts";

const ALL_TYPES: readonly number[] = Object.values(ConfigResourceType);

export const listConfigResources = handler(
  ListConfigResources,
  (request, context) => ({
    throttleTimeMs: 0,
    errorCode: Errors.NONE,
    configResources: typesOf(request.resourceTypes, context.apiVersion).flatMap(resourceType =>
      namesOf(resourceType, context).map(resourceName => ({ resourceName, resourceType })),
    ),
  }),
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, configResources: [] }),
);

function typesOf(requested: readonly number[], apiVersion: number): readonly number[] {
  if (apiVersion === 0) return [ConfigResourceType.CLIENT_METRICS];
  if (requested.length === 0) return ALL_TYPES;
  if (!requested.every(type => ALL_TYPES.includes(type))) throw new ApiError(Errors.UNSUPPORTED_VERSION);
  return [...new Set(requested)];
}

function namesOf(resourceType: number, { metadata }: HandlerContext): readonly string[] {
  const { topics, cluster, configs } = metadata.image;
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      return sortedTopics(topics).map(({ name }) => name);
    case ConfigResourceType.BROKER:
    case ConfigResourceType.BROKER_LOGGER:
      return [...cluster.brokers.values()].filter(({ fenced }) => !fenced).map(({ id }) => String(id));
    default:
      return configs.names(resourceType);
  }
}
