/**
 * AlterPartition (56): the leader of a partition says who is in sync (KIP-497). Answered once that is committed.
 *
 * - v3: in-sync replicas come with their brokers' epochs (KIP-903).
 */
import { alterPartitionApi } from "../metadata/controller-apis.ts";
import { controllerHandler } from "./controller-handler.ts";

export const alterPartition = controllerHandler(alterPartitionApi);
