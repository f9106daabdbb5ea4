/**
 * DescribeCluster (60): who is in the cluster (KIP-700).
 *
 * - v1: brokers or controllers, as fits the listener (KIP-919).
 * - v2: fenced brokers too, on request (KIP-1073).
 */
import { DescribeCluster } from "../../protocol/apis/60-describe-cluster.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_REQUESTED } from "./metadata/authorized-operations.ts";
import { aliveBrokers, controllerFor, endpointOf } from "./metadata/topic-view.ts";

const EndpointType = { BROKERS: 1, CONTROLLERS: 2 } as const;

interface DescribedNode {
  readonly brokerId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly isFenced: boolean;
}

export const describeCluster = handler(
  DescribeCluster,
  (request, context) => {
    checkEndpointType(request.endpointType, context);
    const isForControllers = request.endpointType === EndpointType.CONTROLLERS;
    return {
      throttleTimeMs: 0,
      errorCode: Errors.NONE,
      errorMessage: null,
      endpointType: request.endpointType,
      clusterId: context.clusterId,
      controllerId: isForControllers ? context.services.controllerId() : controllerAmongBrokers(context),
      brokers: isForControllers ? controllers(context) : brokers(request.includeFencedBrokers, context),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? CLUSTER_OPERATIONS
        : OPERATIONS_NOT_REQUESTED,
    };
  },
  ({ endpointType }, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    errorCode,
    errorMessage,
    endpointType,
    clusterId: "",
    brokers: [],
  }),
);

function checkEndpointType(endpointType: number, { connection }: HandlerContext): void {
  const expected = connection.listenerRole === "controller" ? EndpointType.CONTROLLERS : EndpointType.BROKERS;
  if (endpointType === expected) return;
  if (endpointType !== EndpointType.BROKERS && endpointType !== EndpointType.CONTROLLERS) {
    throw new ApiError(Errors.UNSUPPORTED_ENDPOINT_TYPE, `Unsupported endpoint type ${endpointType}`);
  }
  throw new ApiError(
    Errors.MISMATCHED_ENDPOINT_TYPE,
    `The request was sent to an endpoint of the ${connection.listenerRole}s, but asks for the other kind.`,
  );
}

function controllerAmongBrokers(context: HandlerContext): number {
  const alive = aliveBrokers(context.metadata.image.cluster, context.connection.listenerName);
  return controllerFor(alive, context.services.controllerId(), context.nodeId);
}

function brokers(includeFenced: boolean, { metadata, connection }: HandlerContext): DescribedNode[] {
  const described: DescribedNode[] = [];
  for (const { id, endpoints, rack, fenced } of metadata.image.cluster.brokers.values()) {
    const endpoint = endpointOf(endpoints, connection.listenerName);
    if (endpoint === undefined || (fenced && !includeFenced)) continue;
    described.push({ brokerId: id, host: endpoint.host, port: endpoint.port, rack, isFenced: fenced });
  }
  return described.sort((a, b) => a.brokerId - b.brokerId);
}

function controllers({ metadata, connection }: HandlerContext): DescribedNode[] {
  const described: DescribedNode[] = [];
  for (const { id, endpoints } of metadata.image.cluster.controllers.values()) {
    const endpoint = endpointOf(endpoints, connection.listenerName);
    if (endpoint === undefined) continue;
    described.push({ brokerId: id, host: endpoint.host, port: endpoint.port, rack: null, isFenced: false });
  }
  return described.sort((a, b) => a.brokerId - b.brokerId);
}
