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
