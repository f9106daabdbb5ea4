/**
 * One minimum of in-sync replicas for all brokers, as eligible leader replicas need it (KIP-966): which replicas qualify must not depend on
 * the broker that is asked. Where they are switched on, a minimum that the controller was configured with is written down for the cluster, and
 * those of single brokers go. Without one there is nothing to write: the minimum then follows from the number of a partition's replicas, which all
 * brokers know. (Kafka writes down its default of 1.)
 */
import { type BrokerConfig, ConfigResourceType } from "../../config/index.ts";
import { ALL_BROKERS } from "../configs-image.ts";
import type { MetadataImage } from "../image.ts";
import { type MetadataRecord, record } from "../records.ts";

export const MIN_INSYNC_REPLICAS = "min.insync.replicas";

/** The records that are missing. */
export function elrSafetyRecords(image: MetadataImage, config: BrokerConfig): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  const hasMinimum = image.configs.of(ConfigResourceType.BROKER, ALL_BROKERS).has(MIN_INSYNC_REPLICAS);
  if (!hasMinimum && config.isSet(MIN_INSYNC_REPLICAS)) {
    records.push(minimumRecord(ALL_BROKERS, String(config.get(MIN_INSYNC_REPLICAS))));
  }
  for (const name of image.configs.names(ConfigResourceType.BROKER)) {
    if (name === ALL_BROKERS || !image.configs.of(ConfigResourceType.BROKER, name).has(MIN_INSYNC_REPLICAS)) continue;
    records.push(minimumRecord(name, null));
  }
  return records;
}

function minimumRecord(resourceName: string, value: string | null): MetadataRecord {
  return record("ConfigRecord", 0, {
    resourceType: ConfigResourceType.BROKER,
    resourceName,
    name: MIN_INSYNC_REPLICAS,
    value,
  });
}
