/**
 * Finalized feature levels (KIP-584, KIP-778, KIP-1022): all of a request's updates are made, or none.
 */
import type { UpdateFeatures } from "../../../protocol/apis/57-update-features.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { RequestOf } from "../../../protocol/schema.ts";
import type { BrokerConfig } from "../../config/index.ts";
import {
  ELIGIBLE_LEADER_REPLICAS_VERSION,
  KRAFT_VERSION,
  METADATA_VERSION,
  MetadataVersion,
  supportedFeatures,
} from "../features.ts";
import type { MetadataImage } from "../image.ts";
import { type MetadataRecord, record } from "../records.ts";
import { elrSafetyRecords } from "./elr-safety.ts";
import type { Operation } from "./operation.ts";

type UpdateRequest = RequestOf<typeof UpdateFeatures>;
type FeatureUpdate = UpdateRequest["featureUpdates"][number];

const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const;

/**
 * Decides UpdateFeatures. Throws `ApiError` INVALID_UPDATE_VERSION, INVALID_REQUEST; the response of a success says nothing but that.
 *
 * @param isAllowDowngradeUsed v0 of the API has a flag in place of the type
 */
export function updateFeatures(
  request: UpdateRequest,
  isAllowDowngradeUsed: boolean,
  { config }: { readonly config: BrokerConfig },
): Operation<void> {
  return {
    name: "update-features",
    decide(image) {
      const levels = new Map(image.features);
      const seen = new Set<string>();
      for (const update of request.featureUpdates) {
        if (seen.has(update.feature)) {
          throw new ApiError(Errors.INVALID_REQUEST, `The feature ${update.feature} is given more than once.`);
        }
        seen.add(update.feature);
        checkUpdate(update, upgradeTypeOf(update, isAllowDowngradeUsed), image);
        levels.set(update.feature, update.maxVersionLevel);
      }
      checkDependencies(levels);
      const changed = request.featureUpdates.filter(
        ({ feature, maxVersionLevel }) => (image.features.get(feature) ?? 0) !== maxVersionLevel,
      );
      const records: MetadataRecord[] = changed.map(({ feature, maxVersionLevel }) =>
        record("FeatureLevelRecord", 0, { name: feature, featureLevel: maxVersionLevel }),
      );
      if (changed.some(({ feature, maxVersionLevel }) => isElr(feature) && maxVersionLevel >= 1)) {
        records.push(...elrSafetyRecords(image, config));
      }
      return { records: request.validateOnly ? [] : records, response: undefined };
    },
  };
}

function isElr(feature: string): boolean {
  return feature === ELIGIBLE_LEADER_REPLICAS_VERSION;
}

function upgradeTypeOf(update: FeatureUpdate, isAllowDowngradeUsed: boolean): number {
  if (!isAllowDowngradeUsed) return update.upgradeType;
  return update.allowDowngrade ? UpgradeType.SAFE_DOWNGRADE : UpgradeType.UPGRADE;
}

function checkUpdate(
  { feature, maxVersionLevel: level }: FeatureUpdate,
  upgradeType: number,
  image: MetadataImage,
): void {
  if (upgradeType < UpgradeType.UPGRADE || upgradeType > UpgradeType.UNSAFE_DOWNGRADE) {
    throw invalid(feature, level, "the controller does not support the given upgrade type.");
  }
  const supported = supportedFeatures.find(({ name }) => name === feature);
  if (supported === undefined) throw invalid(feature, level, "the controller does not support the given feature.");
  if (level < 0) throw invalid(feature, level, "a feature version cannot be less than 0.");
  if (feature === KRAFT_VERSION) {
    throw invalid(feature, level, "the version of the quorum cannot be changed while it runs.");
  }
  const { minSupportedVersion, maxSupportedVersion } = supported;
  // Level 0 takes a feature away, unless it is one that there has to be.
  const isInRange =
    (level === 0 && minSupportedVersion === 0) || (level >= minSupportedVersion && level <= maxSupportedVersion);
  if (!isInRange) {
    throw invalid(feature, level, `this controller supports versions ${minSupportedVersion}-${maxSupportedVersion}.`);
  }
  checkNodes(feature, level, image);
  checkDirection(feature, level, upgradeType, image);
}

function checkNodes(feature: string, level: number, image: MetadataImage): void {
  if (level === 0) return;
  for (const broker of image.cluster.brokers.values()) {
    const range = broker.features.find(({ name }) => name === feature);
    if (range !== undefined && range.minSupportedVersion <= level && level <= range.maxSupportedVersion) continue;
    throw invalid(feature, level, `broker ${broker.id} does not support this feature version.`);
  }
}

function checkDirection(feature: string, level: number, upgradeType: number, image: MetadataImage): void {
  const current = image.features.get(feature) ?? 0;
  if (level > current && upgradeType !== UpgradeType.UPGRADE) {
    throw invalid(feature, level, "can't downgrade to a newer version.");
  }
  if (level >= current) return;
  if (upgradeType === UpgradeType.UPGRADE) {
    throw invalid(
      feature,
      level,
      "can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    );
  }
  if (feature === METADATA_VERSION) {
    throw invalid(
      feature,
      level,
      "the metadata version cannot be lowered: older nodes may not read what was written since.",
    );
  }
}

/** Features that need a metadata version of their own. */
function checkDependencies(levels: ReadonlyMap<string, number>): void {
  const metadataVersion = levels.get(METADATA_VERSION) ?? 0;
  const elr = levels.get(ELIGIBLE_LEADER_REPLICAS_VERSION) ?? 0;
  if (elr < 1 || metadataVersion >= MetadataVersion.ELIGIBLE_LEADER_REPLICAS) return;
  throw invalid(
    ELIGIBLE_LEADER_REPLICAS_VERSION,
    elr,
    `it depends on ${METADATA_VERSION} level ${MetadataVersion.ELIGIBLE_LEADER_REPLICAS}.`,
  );
}

function invalid(feature: string, level: number, reason: string): ApiError {
  return new ApiError(
    Errors.INVALID_UPDATE_VERSION,
    `Invalid update version ${level} for feature ${feature}: ${reason}`,
  );
}
