/**
 * What brokers and controllers ask of the active controller on their own account, by API: how it is done, and what is answered when it fails as
 * a whole. One table, so that a request from this process and one that came over the wire get the same answer.
 *
 * Requests of clients are not here: they are forwarded as they came (`handlers/`).
 */
import { CreateTopics } from "../../protocol/apis/19-create-topics.ts";
import { AlterPartition } from "../../protocol/apis/56-alter-partition.ts";
import { BrokerRegistration } from "../../protocol/apis/62-broker-registration.ts";
import { BrokerHeartbeat } from "../../protocol/apis/63-broker-heartbeat.ts";
import { AllocateProducerIds } from "../../protocol/apis/67-allocate-producer-ids.ts";
import { ControllerRegistration } from "../../protocol/apis/70-controller-registration.ts";
import { AssignReplicasToDirs } from "../../protocol/apis/73-assign-replicas-to-dirs.ts";
import { type Api, type RequestOf, type ResponseOf, ZERO_UUID } from "../../protocol/schema.ts";
import type { Controller } from "./controller/controller.ts";

/** A row: an API that the active controller serves. */
export interface ControllerApi<A extends Api = Api> {
  readonly api: A;
  /** Rejects with `ApiError` when the whole request fails. */
  handle(controller: Controller, request: RequestOf<A>): Promise<ResponseOf<A>>;
  /** The whole answer to a request that failed. */
  failed(request: RequestOf<A>, errorCode: number, errorMessage: string | null): ResponseOf<A>;
  /** The error of the request as a whole. */
  errorCodeOf(response: ResponseOf<A>): number;
}

export const createTopicsApi = row(
  CreateTopics,
  (controller, request) => controller.createTopics(request),
  ({ topics }, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    topics: [...new Set(topics.map(({ name }) => name))].map(name => ({
      name,
      topicId: ZERO_UUID,
      errorCode,
      errorMessage,
      topicConfigErrorCode: 0,
      numPartitions: -1,
      replicationFactor: -1,
      configs: [],
    })),
  }),
  ({ topics }) => topics[0]?.errorCode ?? 0,
);

export const alterPartitionApi = row(
  AlterPartition,
  (controller, request) => controller.alterPartition(request),
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, topics: [] }),
);

export const brokerRegistrationApi = row(
  BrokerRegistration,
  (controller, request) => controller.registerBroker(request),
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, brokerEpoch: -1 }),
);

export const brokerHeartbeatApi = row(
  BrokerHeartbeat,
  (controller, request) => controller.brokerHeartbeat(request),
  (_request, errorCode) => ({
    throttleTimeMs: 0,
    errorCode,
    isCaughtUp: false,
    isFenced: true,
    shouldShutDown: false,
  }),
);

export const allocateProducerIdsApi = row(
  AllocateProducerIds,
  (controller, request) => controller.allocateProducerIds(request),
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, producerIdStart: 0, producerIdLen: 0 }),
);

export const controllerRegistrationApi = row(
  ControllerRegistration,
  (controller, request) => controller.registerController(request),
  (_request, errorCode, errorMessage) => ({ throttleTimeMs: 0, errorCode, errorMessage }),
);

export const assignReplicasToDirsApi = row(
  AssignReplicasToDirs,
  (controller, request) => controller.assignReplicasToDirs(request),
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, directories: [] }),
);

const rows = new Map<number, ControllerApi>();
for (const one of [
  createTopicsApi,
  alterPartitionApi,
  brokerRegistrationApi,
  brokerHeartbeatApi,
  allocateProducerIdsApi,
  controllerRegistrationApi,
  assignReplicasToDirsApi,
]) {
  rows.set(one.api.key, one as unknown as ControllerApi);
}

/** The row of an API. Throws for one that the controller does not serve to brokers. */
export function controllerApi<A extends Api>(api: A): ControllerApi<A> {
  const found = rows.get(api.key);
  if (found === undefined) throw new Error(`${api.name} is not among the controller's APIs`);
  return found as unknown as ControllerApi<A>;
}

function row<A extends Api>(
  api: A,
  handle: ControllerApi<A>["handle"],
  failed: ControllerApi<A>["failed"],
  errorCodeOf: ControllerApi<A>["errorCodeOf"] = response => (response as { errorCode: number }).errorCode,
): ControllerApi<A> {
  return { api, handle, failed, errorCodeOf };
}
