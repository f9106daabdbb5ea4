/**
 * Tests of kafkajs's suite that are not run, or may fail: because of what Samsa does not have yet, or because of the client itself.
 *
 * A row names a file of the suite, and tests in it by how their full names begin (describe and test names with spaces between); without tests the
 * whole file is left out.
 */

export type Need = "brokers" | "tls" | "sasl" | "acls" | "transactions";

/** What Samsa cannot do yet. Take a word out when it can: its tests then have to pass. */
export const notBuilt: ReadonlySet<Need> = new Set<Need>(["tls", "sasl", "acls", "transactions"]);

export interface LeftOut {
  readonly file: string;
  readonly tests?: readonly string[];
  readonly needs: Need;
}

export const leftOut: readonly LeftOut[] = [
  { file: "src/admin/__tests__/alterPartitionReassignments.spec.js", needs: "brokers" },
  { file: "src/admin/__tests__/createAcls.spec.js", needs: "acls" },
  { file: "src/admin/__tests__/deleteAcls.spec.js", needs: "acls" },
  { file: "src/admin/__tests__/describeAcls.spec.js", needs: "acls" },
  { file: "src/admin/__tests__/listPartitionReassignments.spec.js", needs: "brokers" },
  { file: "src/broker/__tests__/addOffsetsToTxn.spec.js", needs: "transactions" },
  { file: "src/broker/__tests__/addPartitionsToTxn.spec.js", needs: "transactions" },
  { file: "src/broker/__tests__/alterPartitionReassignments.spec.js", needs: "brokers" },
  { file: "src/broker/__tests__/createAcls.spec.js", needs: "acls" },
  { file: "src/broker/__tests__/deleteAcls.spec.js", needs: "acls" },
  { file: "src/broker/__tests__/describeAcls.spec.js", needs: "acls" },
  { file: "src/broker/__tests__/endTxn.spec.js", needs: "transactions" },
  { file: "src/broker/__tests__/initProducerId.spec.js", needs: "transactions" },
  { file: "src/broker/__tests__/listPartitionReassignments.spec.js", needs: "brokers" },
  { file: "src/broker/__tests__/txnOffsetCommit.spec.js", needs: "transactions" },
  { file: "src/consumer/__tests__/controlBatches.spec.js", needs: "transactions" },
  { file: "src/producer/__tests__/concurrentTransaction.spec.js", needs: "transactions" },
  { file: "src/admin/__tests__/alterConfigs.spec.js", needs: "brokers", tests: ["Admin alter broker configs"] },
  {
    file: "src/admin/__tests__/connection.spec.js",
    needs: "sasl",
    tests: [
      "Admin support SASL PLAIN connections",
      "Admin support SASL SCRAM 256 connections",
      "Admin support SASL SCRAM 512 connections",
    ],
  },
  { file: "src/admin/__tests__/connection.spec.js", needs: "tls", tests: ["Admin support SSL connections"] },
  {
    file: "src/admin/__tests__/createTopics.spec.js",
    needs: "brokers",
    tests: ["Admin createTopics creating topic with manual replica assignment"],
  },
  {
    file: "src/admin/__tests__/deleteTopicRecords.spec.js",
    needs: "brokers",
    tests: [
      "Admin > deleteTopicRecords if all broker errors are retriable, will retry the request",
      "Admin > deleteTopicRecords if at least 1 broker error is non-retriable, will not attempt to retry",
      "Admin > deleteTopicRecords in case of retriable error, tries again from the last successful partition (does not re-process successful partition twice)",
    ],
  },
  {
    file: "src/admin/__tests__/describeCluster.spec.js",
    needs: "brokers",
    tests: ["Admin describeCluster retrieves metadata for all brokers in the cluster"],
  },
  {
    file: "src/admin/__tests__/describeConfigs.spec.js",
    needs: "brokers",
    tests: ["Admin describeConfigs describe broker configs"],
  },
  {
    file: "src/broker/__tests__/connect.spec.js",
    needs: "sasl",
    tests: [
      "Broker > connect #isConnected returns false when connected but not authenticated on connections with SASL PLAIN",
      "Broker > connect #isConnected returns false when connected but not authenticated on connections with SASL SCRAM 256",
      "Broker > connect #isConnected returns false when connected but not authenticated on connections with SASL SCRAM 512",
      "Broker > connect #isConnected when SASL SCRAM is configured parallel calls to connect using SCRAM",
      "Broker > connect #isConnected when SaslAuthenticate protocol is available authenticate with SASL PLAIN if configured",
      "Broker > connect #isConnected when SaslAuthenticate protocol is available authenticate with SASL SCRAM 256 if configured",
      "Broker > connect #isConnected when SaslAuthenticate protocol is available authenticate with SASL SCRAM 512 if configured",
      "Broker > connect #isConnected when SaslAuthenticate protocol is available returns false when the session lifetime has expired",
      "Broker > connect #isConnected when SaslAuthenticate protocol is available returns true when connected and authenticated on connections with SASL PLAIN",
      "Broker > connect #isConnected when SaslAuthenticate protocol is available returns true when connected and authenticated on connections with SASL SCRAM 256",
      "Broker > connect #isConnected when SaslAuthenticate protocol is available returns true when connected and authenticated on connections with SASL SCRAM 512",
      "Broker > connect #isConnected when SaslAuthenticate protocol is available returns true when the session lifetime is 0",
      "Broker > connect authenticate with SASL PLAIN if configured",
      "Broker > connect authenticate with SASL SCRAM 256 if configured",
      "Broker > connect authenticate with SASL SCRAM 512 if configured",
      "Broker > connect throws if the mechanism isn't supported by the server",
      "Broker > connect when PLAIN is configured user provided authenticator overrides built in ones",
      "Broker > connect when SASL SCRAM is configured parallel calls to connect using SCRAM",
    ],
  },
  {
    file: "src/broker/__tests__/deleteRecords.spec.js",
    needs: "brokers",
    tests: ["Broker > deleteRecords rejects the promise when broker is not the partition leader"],
  },
  {
    file: "src/broker/__tests__/disconnect.spec.js",
    needs: "sasl",
    tests: [
      "Broker > disconnect when authenticated with SASL PLAIN set authenticated to false",
      "Broker > disconnect when authenticated with SASL SCRAM 256 set authenticated to false",
      "Broker > disconnect when authenticated with SASL SCRAM 512 set authenticated to false",
    ],
  },
  {
    file: "src/broker/__tests__/fetch.spec.js",
    needs: "transactions",
    tests: [
      'Broker > Fetch transactional returns transactional messages immediately for an isolation level of "read_uncommitted"',
      'Broker > Fetch transactional returns transactional messages only after transaction has ended for an isolation level of "read_committed" (default)',
    ],
  },
  {
    file: "src/cluster/__tests__/brokerPool.spec.js",
    needs: "brokers",
    tests: [
      "Cluster > BrokerPool #connect does not connect to the seed broker if it has connected brokers",
      "Cluster > BrokerPool #findBroker connects the broker if it is not connected",
      "Cluster > BrokerPool #hasConnectedBrokers returns true if any of the brokers are connected",
      "Cluster > BrokerPool #refreshMetadata cleans up unused brokers",
      "Cluster > BrokerPool #refreshMetadata updates the list of brokers",
      "Cluster > BrokerPool #removeBroker erases metadataExpireAt to force a metadata refresh",
      "Cluster > BrokerPool #removeBroker removes the broker by host and port",
      "Cluster > BrokerPool #removeBroker replaces the seed broker if it is the target broker",
    ],
  },
  {
    file: "src/cluster/__tests__/findGroupCoordinator.spec.js",
    needs: "brokers",
    tests: [
      "Cluster > findGroupCoordinator attempt to find coordinator across all brokers until one is found",
      "Cluster > findGroupCoordinator retry on ECONNREFUSED",
    ],
  },
  {
    file: "src/cluster/__tests__/findGroupCoordinator.spec.js",
    needs: "transactions",
    tests: ["Cluster > findGroupCoordinator find the coordinator if transactional"],
  },
  {
    file: "src/consumer/__tests__/connection.spec.js",
    needs: "sasl",
    tests: [
      "Consumer support SASL PLAIN connections",
      "Consumer support SASL SCRAM 256 connections",
      "Consumer support SASL SCRAM 512 connections",
    ],
  },
  { file: "src/consumer/__tests__/connection.spec.js", needs: "tls", tests: ["Consumer support SSL connections"] },
  {
    file: "src/consumer/__tests__/consumeMessages.spec.js",
    needs: "transactions",
    tests: [
      "Consumer transactions accepts messages from committed transactions",
      "Consumer transactions does not receive aborted messages",
      'Consumer transactions does not respect offsets sent by an aborted transaction ("consume-transform-produce" flow)',
      "Consumer transactions receives aborted messages for an isolation level of READ_UNCOMMITTED",
      'Consumer transactions respects offsets sent by a committed transaction ("consume-transform-produce" flow)',
    ],
  },
  {
    file: "src/consumer/__tests__/instrumentationEvents.spec.js",
    needs: "transactions",
    tests: ["Consumer > Instrumentation Events emits start and end batch process when reading empty control batches"],
  },
  {
    file: "src/network/connection.spec.js",
    needs: "tls",
    tests: [
      "Network > Connection #connect SSL resolves the Promise when connected",
      "Network > Connection #connect SSL sets the authenticatedAt timer",
    ],
  },
  {
    file: "src/producer/__tests__/idempotentProduceMessages.spec.js",
    needs: "brokers",
    tests: [
      "concurrent produce() calls > where produce() throws a retriable error after the message is written to the log, all messages are written to the partition once",
      "concurrent produce() calls > where produce() throws a retriable error on 2nd call, all messages are written to the partition once",
      "concurrent produce() calls > where produce() throws a retriable error on the first call, all messages are written to the partition once",
      "sequential produce() calls > where produce() throws a retriable error after the message is written to the log, all messages are written to the partition once, in order",
      "sequential produce() calls > where produce() throws a retriable error, all messages are written to the partition once, in order",
    ],
  },
  {
    file: "src/producer/index.spec.js",
    needs: "sasl",
    tests: [
      "Producer support SASL PLAIN connections",
      "Producer support SASL SCRAM 256 connections",
      "Producer support SASL SCRAM 512 connections",
      "Producer throws an error if SASL PLAIN fails to authenticate",
      "Producer throws an error if SASL SCRAM 256 fails to authenticate",
      "Producer throws an error if SASL SCRAM 512 fails to authenticate",
    ],
  },
  { file: "src/producer/index.spec.js", needs: "tls", tests: ["Producer support SSL connections"] },
  {
    file: "src/producer/index.spec.js",
    needs: "transactions",
    tests: [
      "Producer transactions allows sending messages outside a transaction",
      "Producer transactions supports sending offsets",
      "Producer transactions transaction flow abort",
      "Producer transactions transaction flow commit",
      "Producer transactions without operations allows createing transaction when the previous was aborted without any operations made in it",
      "Producer transactions without operations allows createing transaction when the previous was commited without any operations made in it",
      "Producer transactions without operations does not throw an error when aborting transaction",
      "Producer transactions without operations does not throw an error when commiting transaction",
      "Producer transactions without operations transaction that is created after a transaction that hasn't made any operations should work",
    ],
  },
];

/** Tests that fail now and then for reasons of their own; they are run, and told of. */
export interface ClientFault {
  readonly file: string;
  readonly test: string;
  readonly reason: string;
}

export const clientFaults: readonly ClientFault[] = [];
