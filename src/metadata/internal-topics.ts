/**
 * Topics that belong to the system: clients see them marked as internal, and only the system writes to them.
 */
import type { CreateTopics } from "../../protocol/apis/19-create-topics.ts";
import type { RequestOf } from "../../protocol/schema.ts";
import type { BrokerConfig } from "../config/index.ts";

export const GROUP_METADATA_TOPIC = "__consumer_offsets";
export const TRANSACTION_STATE_TOPIC = "__transaction_state";
export const SHARE_GROUP_STATE_TOPIC = "__share_group_state";
/** The metadata log itself; not a topic of the image, and never one to create. */
export const CLUSTER_METADATA_TOPIC = "__cluster_metadata";

export type InternalTopicName =
  | typeof GROUP_METADATA_TOPIC
  | typeof TRANSACTION_STATE_TOPIC
  | typeof SHARE_GROUP_STATE_TOPIC;

type CreatableTopic = RequestOf<typeof CreateTopics>["topics"][number];

export function isInternalTopicName(name: string): name is InternalTopicName {
  return name === GROUP_METADATA_TOPIC || name === TRANSACTION_STATE_TOPIC || name === SHARE_GROUP_STATE_TOPIC;
}

/** An internal topic as the coordinator that lives on it needs it, for CreateTopics. */
export function internalTopic(name: InternalTopicName, config: BrokerConfig, brokerCount: number): CreatableTopic {
  switch (name) {
    case GROUP_METADATA_TOPIC: {
      const replicationFactor = config.internalTopicReplicationFactor("offsets.topic.replication.factor", brokerCount);
      return topic(name, config.get("offsets.topic.num.partitions"), replicationFactor, {
        "compression.type": "producer",
        "cleanup.policy": "compact",
        "segment.bytes": config.get("offsets.topic.segment.bytes"),
      });
    }
    case TRANSACTION_STATE_TOPIC: {
      const factorName = "transaction.state.log.replication.factor";
      const replicationFactor = config.internalTopicReplicationFactor(factorName, brokerCount);
      return topic(name, config.get("transaction.state.log.num.partitions"), replicationFactor, {
        "compression.type": "uncompressed",
        "cleanup.policy": "compact",
        "min.insync.replicas": config.internalTopicMinInsyncReplicas(
          "transaction.state.log.min.isr",
          replicationFactor,
        ),
        "segment.bytes": config.get("transaction.state.log.segment.bytes"),
        "unclean.leader.election.enable": false,
      });
    }
    case SHARE_GROUP_STATE_TOPIC: {
      const factorName = "share.coordinator.state.topic.replication.factor";
      const minimumName = "share.coordinator.state.topic.min.isr";
      const replicationFactor = config.internalTopicReplicationFactor(factorName, brokerCount);
      return topic(name, config.get("share.coordinator.state.topic.num.partitions"), replicationFactor, {
        "compression.type": "producer",
        "cleanup.policy": "delete",
        "min.insync.replicas": config.internalTopicMinInsyncReplicas(minimumName, replicationFactor),
        "segment.bytes": config.get("share.coordinator.state.topic.segment.bytes"),
        "retention.ms": -1,
      });
    }
  }
}

function topic(
  name: string,
  numPartitions: number,
  replicationFactor: number,
  configs: Readonly<Record<string, string | number | boolean>>,
): CreatableTopic {
  return {
    name,
    numPartitions,
    replicationFactor,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value: String(value) })),
  };
}
