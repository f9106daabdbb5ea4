/**
 * Metadata (3): describes brokers, topics and partition leaders, and may create missing topics. The controller id names
 * a broker that clients can reach.
 *
 * - v0: an empty list of topics asks for all.
 * - v1: null asks for all, an empty list for none; controller id, racks, internal topics.
 * - v2: cluster id (KIP-78).
 * - v3: throttle time (KIP-124).
 * - v4: whether missing topics may be created.
 * - v5: offline replicas (KIP-112).
 * - v6: the broker answers before it throttles (KIP-219).
 * - v7: leader epoch (KIP-320).
 * - v8: authorized operations (KIP-430).
 * - v9: flexible format (KIP-482).
 * - v10: topic ids (KIP-516).
 * - v11: cluster's authorized operations move to DescribeCluster (KIP-700).
 * - v12: topics may be asked for by id (KIP-516).
 * - v13: error for the whole response, to send a client back to its bootstrap servers (KIP-1102).
 */
import { api, array, bool, int16, int32, string, uuid } from "../schema.ts";

export const Metadata = api({
  key: 3,
  name: "Metadata",
  versions: "0-13",
  flexible: "9+",
  listeners: ["broker"],
  request: {
    topics: array(
      "0+",
      {
        topicId: uuid("10+", { ignorable: true }),
        name: string("0+", { nullable: "10+" }),
      },
      { nullable: "1+" },
    ),
    allowAutoTopicCreation: bool("4+", { default: true }),
    includeClusterAuthorizedOperations: bool("8-10"),
    includeTopicAuthorizedOperations: bool("8+"),
  },
  response: {
    throttleTimeMs: int32("3+", { ignorable: true }),
    brokers: array("0+", {
      nodeId: int32("0+"),
      host: string("0+"),
      port: int32("0+"),
      rack: string("1+", { nullable: "1+", default: null, ignorable: true }),
    }),
    clusterId: string("2+", { nullable: "2+", default: null, ignorable: true }),
    controllerId: int32("1+", { default: -1, ignorable: true }),
    topics: array("0+", {
      errorCode: int16("0+"),
      name: string("0+", { nullable: "12+" }),
      topicId: uuid("10+", { ignorable: true }),
      isInternal: bool("1+", { default: false, ignorable: true }),
      partitions: array("0+", {
        errorCode: int16("0+"),
        partitionIndex: int32("0+"),
        leaderId: int32("0+"),
        leaderEpoch: int32("7+", { default: -1, ignorable: true }),
        replicaNodes: array("0+", int32),
        isrNodes: array("0+", int32),
        offlineReplicas: array("5+", int32, { ignorable: true }),
      }),
      topicAuthorizedOperations: int32("8+", { default: -2147483648 }),
    }),
    clusterAuthorizedOperations: int32("8-10", { default: -2147483648 }),
    errorCode: int16("13+", { ignorable: true }),
  },
});
