/**
 * What the active controller tells of the cluster; 0 on every other node, so that a sum over all nodes is right.
 */
import type { BrokerConfig } from "../../config/index.ts";
import type { Counter } from "../../metrics/cells.ts";
import type { Metrics } from "../../metrics/metrics.ts";
import type { MetadataImage } from "../image.ts";
import type { MetadataRecord } from "../records.ts";
import { RECOVERING } from "../topics-image.ts";
import type { PartitionIndex } from "./partition-index.ts";
import { TopicSettings } from "./topic-settings.ts";

export interface ControllerMetricsModules {
  readonly metrics: Metrics;
  readonly config: BrokerConfig;
  /** Null while this node is not the active controller. */
  readonly view: () => { readonly image: MetadataImage; readonly index: PartitionIndex } | null;
}

type View = NonNullable<ReturnType<ControllerMetricsModules["view"]>>;

export class ControllerMetrics {
  readonly #cleanElections: Counter;
  readonly #uncleanElections: Counter;

  constructor({ metrics, config, view }: ControllerMetricsModules) {
    const read = (of: (view: View) => number) => () => {
      const current = view();
      return current === null ? 0 : of(current);
    };
    metrics.gauge("samsa_controller_active").source(read(() => 1));
    metrics.gauge("samsa_controller_topics").source(read(({ image }) => image.topics.size));
    metrics.gauge("samsa_controller_partitions").source(read(({ index }) => index.partitionCount));
    for (const [state, isIn] of Object.entries(STATES)) {
      const count = ({ image }: View) => [...image.cluster.brokers.values()].filter(isIn).length;
      metrics.gauge("samsa_controller_brokers", { state }).source(read(count));
    }
    metrics.gauge("samsa_controller_offline_partitions").source(read(({ index }) => index.leaderless.size));
    metrics.gauge("samsa_controller_imbalanced_partitions").source(read(({ index }) => index.imbalancedCount));
    metrics.gauge("samsa_controller_reassigning_partitions").source(read(({ index }) => index.reassigning.size));
    metrics
      .gauge("samsa_controller_under_replicated_partitions")
      .source(read(({ index }) => index.underReplicated.size));
    metrics
      .gauge("samsa_controller_under_min_isr_partitions")
      .source(read(current => underMinIsrCount(current, config)));
    this.#cleanElections = metrics.counter("samsa_controller_elections_total", { kind: "clean" });
    this.#uncleanElections = metrics.counter("samsa_controller_elections_total", { kind: "unclean" });
  }

  /** Counts the elections among records that this controller decided. */
  decided(records: readonly MetadataRecord[]): void {
    for (const { type, value } of records) {
      if (type !== "PartitionChangeRecord" || value.leader < 0) continue;
      if (value.leaderRecoveryState === RECOVERING) this.#uncleanElections.increment();
      else this.#cleanElections.increment();
    }
  }
}

const STATES = {
  active: ({ fenced, inControlledShutdown }: Standing) => !fenced && !inControlledShutdown,
  fenced: ({ fenced }: Standing) => fenced,
  shutting_down: ({ fenced, inControlledShutdown }: Standing) => !fenced && inControlledShutdown,
};

interface Standing {
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
}

/** Only partitions that miss a replica can be below their minimum. */
function underMinIsrCount({ image, index }: View, config: BrokerConfig): number {
  const settings = new TopicSettings(image, config);
  let count = 0;
  for (const [topicId, number] of index.underReplicated) {
    const topic = image.topics.byId.get(topicId);
    const partition = topic?.partitions[number];
    if (topic === undefined || partition === undefined) continue;
    const factor = partition.replicas.length - partition.addingReplicas.length;
    if (partition.isr.length < Math.min(settings.minIsr(topic.name, factor), factor)) count += 1;
  }
  return count;
}
