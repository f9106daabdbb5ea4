/** What the metrics say of the partitions hosted here. */
import type { Metrics } from "../metrics/index.ts";
import type { Partition } from "./partition.ts";

export function measureReplication(partitions: () => Iterable<Partition>, metrics: Metrics): void {
  const count = (matches: (partition: Partition) => boolean) => (): number => {
    let found = 0;
    for (const partition of partitions()) if (matches(partition)) found += 1;
    return found;
  };
  metrics.gauge("samsa_partitions", { role: "leader" }).source(count(partition => partition.isLeader));
  metrics.gauge("samsa_partitions", { role: "follower" }).source(count(partition => !partition.isLeader));
  metrics.gauge("samsa_under_replicated_partitions").source(count(({ leader }) => leader?.isUnderReplicated === true));
  metrics.gauge("samsa_under_min_isr_partitions").source(count(({ leader }) => leader?.isUnderMinIsr === true));
  metrics.gauge("samsa_at_min_isr_partitions").source(count(({ leader }) => leader?.isAtMinIsr === true));
}

/** Shows where a partition's log begins and ends and how far it is committed. Returns how to end that. */
export function measurePartition(partition: Partition, metrics: Metrics): () => void {
  const labels = { topic: partition.topic, partition: String(partition.index) };
  const ofLog = (value: (partition: Partition) => number) => () => (partition.isOffline ? 0 : value(partition));
  metrics.gauge("samsa_log_start_offset", labels).source(ofLog(({ logStartOffset }) => logStartOffset));
  metrics.gauge("samsa_log_end_offset", labels).source(ofLog(({ logEndOffset }) => logEndOffset));
  metrics.gauge("samsa_log_size_bytes", labels).source(ofLog(({ log }) => log.sizeBytes));
  metrics.gauge("samsa_partition_high_watermark", labels).source(ofLog(({ highWatermark }) => highWatermark));
  metrics.gauge("samsa_replica_lag_records", labels).source(ofLog(({ follower }) => follower?.lagRecords ?? 0));
  return () => {
    metrics.remove("samsa_log_start_offset", labels);
    metrics.remove("samsa_log_end_offset", labels);
    metrics.remove("samsa_log_size_bytes", labels);
    metrics.remove("samsa_partition_high_watermark", labels);
    metrics.remove("samsa_replica_lag_records", labels);
  };
}
