/**
 * The npm package's face: a Kafka-wire-compatible broker to run inside a program, alone or as a cluster of several.
 *
 * ```ts
 * import { Broker } from "samsa";
 *
 * const broker = await Broker.start({ port: 0 });
 * console.log(broker.address); // { host: "127.0.0.1", port: 40123 }
 * await broker.stop();
 * ```
 *
 * The protocol alone is `samsa/protocol`.
 */
export {
  Broker,
  type BrokerAddress,
  type BrokerModules,
  type BrokerOptions,
  BrokerStartError,
  type EmbeddedBrokerOptions,
} from "./broker.ts";
export type {
  ClusterStatus,
  DirectoryStatus,
  NodeStatus,
  PartitionsStatus,
  QuorumReplica,
  QuorumStatus,
} from "./client/cluster-status.ts";
export { Cluster, type ClusterOptions } from "./cluster.ts";
export { BrokerConfig, ConfigError, type ConfigProblem, type ConfigSources, TopicConfig } from "./config/index.ts";
export {
  createLogger,
  type LogFields,
  type LogFormat,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  memoryLogger,
  nullLogger,
} from "./logging/index.ts";
export { StorageError } from "./metadata/storage/storage.ts";
export { Metrics } from "./metrics/index.ts";
export { createNodePlatform } from "./platform/node.ts";
export type { Clock, Disk, Network, Platform, Random, Timers } from "./platform/platform.ts";
