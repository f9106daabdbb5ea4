/** Quota keys of Kafka 4.3: per broker (replication, KIP-73), per user and client (KIP-13, KIP-599), per address (KIP-612), and SCRAM credentials. */
import { type ConfigTable, INT_MAX, LONG_MAX } from "./definition.ts";
import { atLeast } from "./validators.ts";

/** Broker keys that exist only dynamically. */
export const brokerQuotaConfigs = {
  "follower.replication.throttled.rate": {
    type: "long",
    default: LONG_MAX,
    valid: atLeast(0),
    importance: "medium",
    updateMode: "cluster-wide",
    effect: "used",
    documentation: "Bytes a second that this broker's throttled follower replicas fetch.",
  },
  "leader.replication.throttled.rate": {
    type: "long",
    default: LONG_MAX,
    valid: atLeast(0),
    importance: "medium",
    updateMode: "cluster-wide",
    effect: "used",
    documentation: "Bytes a second that this broker's throttled leader replicas serve.",
  },
  "replica.alter.log.dirs.io.max.bytes.per.second": {
    type: "long",
    default: LONG_MAX,
    valid: atLeast(0),
    importance: "medium",
    updateMode: "cluster-wide",
    effect: "used",
    documentation: "Bytes a second that move between this broker's log directories.",
  },
} as const satisfies ConfigTable;

/** Of a user, a client id, or both; SCRAM credentials stand among them as in Kafka. */
export const userAndClientQuotaConfigs = {
  "SCRAM-SHA-256": {
    type: "string",
    default: null,
    importance: "medium",
    effect: "later",
    documentation: "Credential of the user for SCRAM-SHA-256.",
  },
  "SCRAM-SHA-512": {
    type: "string",
    default: null,
    importance: "medium",
    effect: "later",
    documentation: "Credential of the user for SCRAM-SHA-512.",
  },
  consumer_byte_rate: {
    type: "long",
    default: LONG_MAX,
    importance: "medium",
    effect: "later",
    documentation: "Bytes a second that a client may fetch from each broker.",
  },
  controller_mutation_rate: {
    type: "double",
    default: INT_MAX,
    importance: "medium",
    effect: "later",
    documentation: "Partitions a second that a client may create or delete.",
  },
  producer_byte_rate: {
    type: "long",
    default: LONG_MAX,
    importance: "medium",
    effect: "later",
    documentation: "Bytes a second that a client may produce to each broker.",
  },
  request_percentage: {
    type: "double",
    default: INT_MAX,
    importance: "medium",
    effect: "later",
    documentation: "Share of a broker's request time that a client may take, in percent of one thread.",
  },
} as const satisfies ConfigTable;

/** Of a client address. */
export const ipQuotaConfigs = {
  connection_creation_rate: {
    type: "int",
    default: INT_MAX,
    valid: atLeast(0),
    importance: "medium",
    effect: "later",
    documentation: "Connections a second that an address may open to each broker.",
  },
} as const satisfies ConfigTable;
