/**
 * BrokerHeartbeat (63): a broker tells that it lives and how far it is, and learns whether it is fenced, or may stop (KIP-631).
 *
 * - v1: log directories that failed (KIP-858). v2: cordoned ones (KIP-1066).
 */
import { brokerHeartbeatApi } from "../metadata/controller-apis.ts";
import { controllerHandler } from "./controller-handler.ts";

export const brokerHeartbeat = controllerHandler(brokerHeartbeatApi, ({ brokerId }) => brokerId);
