/**
 * AssignReplicasToDirs (73): a broker tells in which of its log directories replicas are (KIP-858).
 */
import { assignReplicasToDirsApi } from "../metadata/controller-apis.ts";
import { controllerHandler } from "./controller-handler.ts";

export const assignReplicasToDirs = controllerHandler(assignReplicasToDirsApi);
