/**
 * Gives leadership back to preferred replicas. After a broker was away others lead in its place, and it leads nothing: so every now and then the
 * first replica of a partition becomes its leader again where it is in sync.
 */
import type { BrokerConfig } from "../../config/index.ts";
import type { MetadataRecord } from "../records.ts";
import { isActive } from "./assignments.ts";
import type { Step } from "./memberships.ts";
import type { Operation } from "./operation.ts";
import { PartitionChanger } from "./partition-rules.ts";

/** Leaders changed by one operation, as in Kafka: each costs the partition's clients a moment. */
const LEADERS_PER_STEP = 1_000;

/** Decides which leaders go back. Where it was not the last step there are more, for a while later. */
export function balanceLeaders({ config }: { readonly config: BrokerConfig }): Operation<Step> {
  return {
    name: "balance-leaders",
    decide(image, _context, index) {
      const changer = new PartitionChanger(image, config);
      const records: MetadataRecord[] = [];
      for (const { id } of image.cluster.brokers.values()) {
        if (!isActive(image, id)) continue;
        for (const [topicId, number] of index.imbalanced.of(id)) {
          if (records.length === LEADERS_PER_STEP) return { records, response: { isLast: false } };
          const topic = image.topics.byId.get(topicId);
          const partition = topic?.partitions[number];
          if (topic === undefined || !partition?.isr.includes(id)) continue;
          const change = changer.change(topic, number, { election: "preferred" });
          if (change !== null) records.push(change);
        }
      }
      return { records, response: { isLast: true } };
    },
  };
}
