/** The driver's settings, from the broker's configuration. */
import type { BrokerConfig } from "../config/broker-config.ts";
import type { RaftDriverOptions } from "./driver.ts";
import { DEFAULT_QUORUM_TIMEOUTS } from "./election-timing.ts";
import { type Endpoint, parseBootstrapServers, parseStaticVoters } from "./voter-set.ts";

/** What is known of the node's storage and addresses once both are there. */
export interface QuorumPlace {
  readonly directoryId: string;
  readonly clusterId: string;
  /** Directory of the metadata log. */
  readonly directory: string;
  /** Where the node's controller listens; empty without that role. */
  readonly endpoints: readonly Endpoint[];
}

/** @throws Error when the voters or bootstrap servers are not of Kafka's form */
export function raftDriverOptions(config: BrokerConfig, place: QuorumPlace): RaftDriverOptions {
  return {
    ...place,
    nodeId: config.nodeId,
    listenerName: config.controllerListenerNames[0] ?? "CONTROLLER",
    staticVoters: parseStaticVoters(config.get("controller.quorum.voters")),
    bootstrapServers: parseBootstrapServers(config.get("controller.quorum.bootstrap.servers")),
    autoJoin: config.get("controller.quorum.auto.join.enable"),
    timeouts: {
      ...DEFAULT_QUORUM_TIMEOUTS,
      electionTimeoutMs: config.get("controller.quorum.election.timeout.ms"),
      electionBackoffMaxMs: config.get("controller.quorum.election.backoff.max.ms"),
      fetchTimeoutMs: config.get("controller.quorum.fetch.timeout.ms"),
      requestTimeoutMs: config.get("controller.quorum.request.timeout.ms"),
      retryBackoffMs: config.get("controller.quorum.retry.backoff.ms"),
    },
    fetchMaxBytes: config.get("controller.quorum.fetch.max.bytes"),
    snapshotMaxBytes: config.get("controller.quorum.fetch.snapshot.max.bytes"),
    retention: {
      maxBytes: config.get("metadata.max.retention.bytes"),
      maxAgeMs: config.get("metadata.max.retention.ms"),
    },
  };
}
