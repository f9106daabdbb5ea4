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
  measurePartitions(partitions, metrics);
}

/** Shows where each partition's log begins and ends and how far it is committed. */
function measurePartitions(partitions: () => Iterable<Partition>, metrics: Metrics): void {
  const each = (value: (partition: Partition) => number) =>
    function* () {
      for (const partition of partitions()) {
        const labels = { topic: partition.topic, partition: String(partition.index) };
        yield [labels, partition.isOffline ? 0 : value(partition)] as const;
      }
    };
  metrics.gauges(
    "samsa_log_start_offset",
    each(({ logStartOffset }) => logStartOffset),
  );
  metrics.gauges(
    "samsa_log_end_offset",
    each(({ logEndOffset }) => logEndOffset),
  );
  metrics.gauges(
    "samsa_log_size_bytes",
    each(({ log }) => log.sizeBytes),
  );
  metrics.gauges(
    "samsa_partition_high_watermark",
    each(({ highWatermark }) => highWatermark),
  );
  metrics.gauges(
    "samsa_replica_lag_records",
    each(({ follower }) => follower?.lagRecords ?? 0),
  );
}
