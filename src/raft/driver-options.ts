/** The driver's settings, from the broker's configuration. */
import { type BrokerConfig, defaultControllerPort } from "../config/broker-config.ts";
import { parsePeers } from "../config/peers.ts";
import type { RaftDriverOptions } from "./driver.ts";
import type { Address } from "./peers.ts";
import { type Endpoint, parseBootstrapServers, parseStaticVoters } from "./voter-set.ts";

/** What is known of the node's storage and addresses once both are there. */
export interface QuorumPlace {
  readonly directoryId: string;
  readonly clusterId: string;
  /** Directory of the metadata log. */
  readonly directory: string;
  /** Where the node's controller listens; empty without that role. */
  readonly endpoints: readonly Endpoint[];
  /** Where controllers are that peers told of. */
  readonly controllers: readonly Address[];
}

/** @throws Error when the voters or bootstrap servers are not of Kafka's form */
export function raftDriverOptions(config: BrokerConfig, { controllers, ...place }: QuorumPlace): RaftDriverOptions {
  const peers = parsePeers(config.get("samsa.peers"));
  return {
    ...place,
    nodeId: config.nodeId,
    listenerName: config.controllerListenerNames[0] ?? "CONTROLLER",
    staticVoters: parseStaticVoters(config.get("controller.quorum.voters")),
    bootstrapServers: [
      ...parseBootstrapServers(config.get("controller.quorum.bootstrap.servers")),
      ...controllers,
      // Where the controllers of peers are that were not asked.
      ...(controllers.length > 0 ? [] : peers.map(({ host, port }) => ({ host, port: defaultControllerPort(port) }))),
    ],
    // Peers are told of each other so that they form one quorum: who comes later is to be part of it.
    autoJoin: config.isSet("controller.quorum.auto.join.enable")
      ? config.get("controller.quorum.auto.join.enable")
      : peers.length > 0,
    timeouts: {
      electionTimeoutMs: config.get("controller.quorum.election.timeout.ms"),
      electionBackoffMaxMs: config.get("controller.quorum.election.backoff.max.ms"),
      fetchTimeoutMs: config.get("controller.quorum.fetch.timeout.ms"),
      requestTimeoutMs: config.get("controller.quorum.request.timeout.ms"),
      retryBackoffMs: config.get("controller.quorum.retry.backoff.ms"),
      suspicionJitterMs: config.get("samsa.quorum.suspicion.jitter.ms"),
    },
    fetchMaxBytes: config.get("controller.quorum.fetch.max.bytes"),
    snapshotMaxBytes: config.get("controller.quorum.fetch.snapshot.max.bytes"),
    retention: {
      maxBytes: config.get("metadata.max.retention.bytes"),
      maxAgeMs: config.get("metadata.max.retention.ms"),
    },
  };
}
