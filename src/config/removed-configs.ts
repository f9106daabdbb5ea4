/** Keys of older Kafka versions that still stand in many a server.properties, and what became of them. */
export const removedBrokerConfigs: Readonly<Record<string, string>> = {
  "advertised.host.name": "use advertised.listeners",
  "advertised.port": "use advertised.listeners",
  "broker.id.generation.enable": "it belonged to ZooKeeper; set node.id",
  "control.plane.listener.name": "it belonged to ZooKeeper; controllers have listeners of their own",
  "host.name": "use listeners",
  "inter.broker.protocol.version": "the feature metadata.version took its place (Kafka 4.0)",
  "log.message.downconversion.enable": "record batches are no longer converted for old clients (Kafka 4.0)",
  "log.message.format.version": "every batch is of the newest format (Kafka 4.0)",
  "log.message.timestamp.difference.max.ms":
    "use log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms",
  "metadata.migration.enable": "it belonged to ZooKeeper",
  "offsets.commit.required.acks": "commits are always acknowledged by all in-sync replicas (Kafka 4.0)",
  port: "use listeners",
  "reserved.broker.max.id": "it belonged to ZooKeeper",
  "zookeeper.clientCnxnSocket": "there is no ZooKeeper",
  "zookeeper.connect": "there is no ZooKeeper; see process.roles and controller.quorum.bootstrap.servers",
  "zookeeper.connection.timeout.ms": "there is no ZooKeeper",
  "zookeeper.max.in.flight.requests": "there is no ZooKeeper",
  "zookeeper.metadata.migration.enable": "there is no ZooKeeper",
  "zookeeper.session.timeout.ms": "there is no ZooKeeper",
  "zookeeper.set.acl": "there is no ZooKeeper",
};
