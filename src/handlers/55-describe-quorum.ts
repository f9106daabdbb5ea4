/**
 * DescribeQuorum (55): the quorum of the metadata log: who leads it, who votes, and how far each has come (KIP-595).
 *
 * - v1: when a replica last fetched and was last caught up (KIP-836).
 * - v2: directory ids of the replicas, endpoints of the voters, error messages (KIP-853).
 */
import { DescribeQuorum } from "../../protocol/apis/55-describe-quorum.ts";
import { forwardedHandler } from "./forwarding.ts";

export const describeQuorum = forwardedHandler(
  DescribeQuorum,
  (request, context) => context.services.quorum.describeQuorum(request, context.apiVersion),
  ({ topics }, errorCode, errorMessage) => ({
    errorCode,
    errorMessage,
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode,
        errorMessage: null,
        leaderId: -1,
        leaderEpoch: -1,
        highWatermark: -1,
        currentVoters: [],
        observers: [],
      })),
    })),
    nodes: [],
  }),
);
