/**
 * BrokerRegistration (62): a broker joins the cluster and gets its epoch (KIP-631).
 *
 * - v2: log directories (KIP-858). v3: the epoch at its last clean stop (KIP-966). v4: supported features may begin at level 0.
 */
import { brokerRegistrationApi } from "../metadata/controller-apis.ts";
import { controllerHandler } from "./controller-handler.ts";

export const brokerRegistration = controllerHandler(brokerRegistrationApi, ({ brokerId }) => brokerId);
