/** Every broker key: Kafka 4.3's 360 from `broker/`, the dynamic-only and authoriser keys beside them, and Samsa's own. */
import { compactionConfigs } from "./broker/compaction.ts";
import { consumerGroupConfigs } from "./broker/consumer-groups.ts";
import { controllerConfigs } from "./broker/controller.ts";
import { groupConfigs } from "./broker/groups.ts";
import { logConfigs } from "./broker/log.ts";
import { metricsAndQuotaConfigs } from "./broker/metrics-and-quotas.ts";
import { networkConfigs } from "./broker/network.ts";
import { nodeConfigs } from "./broker/node.ts";
import { remoteStorageConfigs } from "./broker/remote-storage.ts";
import { replicationConfigs } from "./broker/replication.ts";
import { oauthConfigs } from "./broker/security-oauth.ts";
import { saslConfigs } from "./broker/security-sasl.ts";
import { sslConfigs } from "./broker/security-ssl.ts";
import { shareGroupConfigs } from "./broker/share-groups.ts";
import { streamsGroupConfigs } from "./broker/streams-groups.ts";
import { transactionConfigs } from "./broker/transactions.ts";
import type { ConfigDefinition, ConfigTable, ValueOfDefinition } from "./definition.ts";
import { brokerQuotaConfigs } from "./quota-configs.ts";
import { samsaBrokerConfigs } from "./samsa-configs.ts";

/** Groups in the order in which docs/config.md shows them. */
export const brokerConfigGroups = {
  "The node": nodeConfigs,
  "Network and requests": networkConfigs,
  Log: logConfigs,
  "Compression and compaction": compactionConfigs,
  "Topics and replication": replicationConfigs,
  "Controller and metadata": controllerConfigs,
  Groups: groupConfigs,
  "Consumer groups": consumerGroupConfigs,
  "Share groups": shareGroupConfigs,
  "Streams groups": streamsGroupConfigs,
  Transactions: transactionConfigs,
  "Metrics and quotas": metricsAndQuotaConfigs,
  TLS: sslConfigs,
  "SASL and authorisation": saslConfigs,
  OAuth: oauthConfigs,
  "Remote storage": remoteStorageConfigs,
} as const satisfies Readonly<Record<string, ConfigTable>>;

/** The 360 broker keys of Apache Kafka 4.3. */
export const kafkaBrokerConfigs = {
  ...nodeConfigs,
  ...networkConfigs,
  ...logConfigs,
  ...compactionConfigs,
  ...replicationConfigs,
  ...controllerConfigs,
  ...groupConfigs,
  ...consumerGroupConfigs,
  ...shareGroupConfigs,
  ...streamsGroupConfigs,
  ...transactionConfigs,
  ...metricsAndQuotaConfigs,
  ...sslConfigs,
  ...saslConfigs,
  ...oauthConfigs,
  ...remoteStorageConfigs,
} as const satisfies ConfigTable;

/** Keys that Kafka's StandardAuthorizer reads from server.properties itself, so that they stand in none of Kafka's tables. */
export const authorizerConfigs = {
  "super.users": {
    type: "string",
    default: "",
    importance: "medium",
    updateMode: "read-only",
    effect: "later",
    documentation: "Principals that may do everything, separated by semicolons (User:alice;User:bob).",
  },
  "allow.everyone.if.no.acl.found": {
    type: "boolean",
    default: false,
    importance: "medium",
    updateMode: "read-only",
    effect: "later",
    documentation: "Whether a resource that no ACL names is open to everyone.",
  },
} as const satisfies ConfigTable;

/** All that may stand in server.properties or be set on a broker. */
export const brokerConfigs = {
  ...kafkaBrokerConfigs,
  ...brokerQuotaConfigs,
  ...authorizerConfigs,
  ...samsaBrokerConfigs,
} as const satisfies ConfigTable;

export type BrokerConfigName = keyof typeof brokerConfigs;
/** The type that `BrokerConfig.get(name)` returns. */
export type BrokerConfigValue<N extends BrokerConfigName> = ValueOfDefinition<(typeof brokerConfigs)[N]>;

export function isBrokerConfigName(name: string): name is BrokerConfigName {
  return Object.hasOwn(brokerConfigs, name);
}

/** The row of a broker key, or undefined when nobody knows it. */
export function brokerConfigDefinition(name: string): ConfigDefinition | undefined {
  return isBrokerConfigName(name) ? brokerConfigs[name] : undefined;
}
