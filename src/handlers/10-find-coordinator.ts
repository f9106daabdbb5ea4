/**
 * FindCoordinator (10): which broker coordinates a group, on the listener that the client came in on.
 *
 * - v1: key types: 0 groups, 1 transactional ids. v4: several keys. v6: type 2, share partitions (KIP-932).
 *
 * The first look-up creates `__consumer_offsets`; it is answered when the topic is there. Coordinators of transactions and share groups are not built yet, and
 * are said to be not available.
 */
import { FindCoordinator } from "../../protocol/apis/10-find-coordinator.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";
import { endpointOf } from "./metadata/topic-view.ts";

interface Coordinator {
  readonly key: string;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const GROUP = 0;
const TRANSACTION = 1;
const SHARE = 2;

const FIRST_VERSION_WITH_KEYS = 4;
const FIRST_VERSION_WITH_SHARE = 6;

export const findCoordinator = handler(
  FindCoordinator,
  async (request, context) => {
    const keys = context.apiVersion >= FIRST_VERSION_WITH_KEYS ? request.coordinatorKeys : [request.key];
    const found = await Promise.all(keys.map(key => find(key, request.keyType, context)));
    return response(found, context.apiVersion);
  },
  (request, errorCode, errorMessage, { apiVersion }) => {
    const keys = apiVersion >= FIRST_VERSION_WITH_KEYS ? request.coordinatorKeys : [request.key];
    return response(
      keys.map(key => failed(key, errorCode, errorMessage)),
      apiVersion,
    );
  },
);

async function find(key: string, keyType: number, context: HandlerContext): Promise<Coordinator> {
  try {
    checkType(keyType, context.apiVersion);
    const nodeId = await context.groups.coordinatorOf(key);
    const broker = context.metadata.image.cluster.brokers.get(nodeId);
    const endpoint = broker === undefined ? undefined : endpointOf(broker.endpoints, context.connection.listenerName);
    if (broker === undefined || broker.fenced || endpoint === undefined) {
      return failed(key, Errors.COORDINATOR_NOT_AVAILABLE, "The coordinator cannot be reached on this listener.");
    }
    const { host, port } = endpoint;
    return { key, nodeId, host, port, errorCode: Errors.NONE, errorMessage: messageOfSuccess(context.apiVersion) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return failed(key, error.code, error.message);
  }
}

function checkType(keyType: number, apiVersion: number): void {
  if (keyType === GROUP) return;
  if (keyType === TRANSACTION || (keyType === SHARE && apiVersion >= FIRST_VERSION_WITH_SHARE)) {
    throw new ApiError(Errors.COORDINATOR_NOT_AVAILABLE);
  }
  throw new ApiError(Errors.INVALID_REQUEST, `There are no coordinators of type ${keyType}.`);
}

/** As Kafka says it. */
function messageOfSuccess(apiVersion: number): string {
  return apiVersion >= FIRST_VERSION_WITH_KEYS ? "" : "NONE";
}

function failed(key: string, errorCode: number, errorMessage: string): Coordinator {
  return { key, nodeId: -1, host: "", port: -1, errorCode, errorMessage };
}

function response(coordinators: readonly Coordinator[], apiVersion: number) {
  if (apiVersion >= FIRST_VERSION_WITH_KEYS)
    return { throttleTimeMs: 0, ...NOT_SINGLE, coordinators: [...coordinators] };
  const { errorCode, errorMessage, nodeId, host, port } = coordinators[0]!;
  return { throttleTimeMs: 0, errorCode, errorMessage, nodeId, host, port, coordinators: [] };
}

/** What the fields for one coordinator hold where there are several. */
const NOT_SINGLE = { errorCode: Errors.NONE, errorMessage: "", nodeId: 0, host: "", port: 0 } as const;
