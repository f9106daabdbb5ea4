/**
 * Records of `__cluster_metadata` about configuration, quotas and features.
 */
import { array, bool, float64, int8, int16, message, string, type ValueOf } from "../../schema.ts";

/**
 * One configuration value of a resource; null removes it. Resource types are those of the Admin API (2 topic, 4
 * broker).
 */
export const ConfigRecord = message({
  name: "ConfigRecord",
  key: 4,
  versions: "0",
  flexible: "0+",
  fields: {
    resourceType: int8("0+"),
    resourceName: string("0+"),
    name: string("0+"),
    value: string("0+", { nullable: "0+" }),
  },
});
export type ConfigRecord = ValueOf<typeof ConfigRecord>;

/** A quota of one entity, set or removed (KIP-546). */
export const ClientQuotaRecord = message({
  name: "ClientQuotaRecord",
  key: 14,
  versions: "0",
  flexible: "0+",
  fields: {
    entity: array("0+", {
      entityType: string("0+"),
      entityName: string("0+", { nullable: "0+" }),
    }),
    key: string("0+"),
    value: float64("0+"),
    remove: bool("0+"),
  },
});
export type ClientQuotaRecord = ValueOf<typeof ClientQuotaRecord>;

/** A feature was finalized at this level; `metadata.version` is the first of a log (KIP-778). */
export const FeatureLevelRecord = message({
  name: "FeatureLevelRecord",
  key: 12,
  versions: "0",
  flexible: "0+",
  fields: {
    name: string("0+"),
    featureLevel: int16("0+"),
  },
});
export type FeatureLevelRecord = ValueOf<typeof FeatureLevelRecord>;
