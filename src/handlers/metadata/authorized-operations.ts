/**
 * The operations a client may do, as a bit field by `AclOperation` number (KIP-430). Without an authorizer that is every operation that the
 * kind of resource knows.
 */

/** Read, Write, Create, Delete, Alter, Describe, DescribeConfigs, AlterConfigs. */
export const TOPIC_OPERATIONS = bits(3, 4, 5, 6, 7, 8, 10, 11);

/** Create, Alter, Describe, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite. */
export const CLUSTER_OPERATIONS = bits(5, 7, 8, 9, 10, 11, 12);

/** The client did not ask. */
export const OPERATIONS_NOT_REQUESTED = -0x80000000;

function bits(...operations: number[]): number {
  return operations.reduce((field, operation) => field | (1 << operation), 0);
}
