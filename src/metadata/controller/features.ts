/**
 * Finalized feature levels (KIP-584, KIP-778, KIP-1022): all of a request's updates are made, or none.
 *
 * `kraft.version` is the quorum's own, in its control records (KIP-853). It is checked with the others and raised behind them, so of a request that
 * updates both it alone may come to nothing, when another node leads by then; whoever asks again is answered as if it had been the first time.
 */
import type { UpdateFeatures } from "../../../protocol/apis/57-update-features.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { RequestOf } from "../../../protocol/schema.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { VersionUpgrade, VoterChangeOutcome } from "../../raft/actions.ts";
import type { SupportedFeature } from "../cluster-image.ts";
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
import { noOp } from "./idle-record.ts";
import type { Operation } from "./operation.ts";

type UpdateRequest = RequestOf<typeof UpdateFeatures>;
type FeatureUpdate = UpdateRequest["featureUpdates"][number];

const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const;

/** The version of the quorum that this controller is in. */
export interface QuorumVersion {
  /** The latest, which may not be committed yet. */
  level(): number;
  /** Why it cannot be raised now; null when it can. */
  refusal(upgrade: VersionUpgrade): VoterChangeOutcome | null;
  /** Raises it. Resolves once that is committed, or refused. */
  raise(upgrade: VersionUpgrade): Promise<VoterChangeOutcome>;
}

export interface FeatureModules {
  readonly config: BrokerConfig;
  readonly quorumVersion: QuorumVersion;
  /** Decides, and resolves when what follows is applied by the brokers. */
  readonly run: <R>(operation: Operation<R>) => Promise<R>;
}

/**
 * Answers UpdateFeatures. Rejects with `ApiError` INVALID_UPDATE_VERSION, INVALID_REQUEST; there is nothing to be said of a success.
 *
 * @param isAllowDowngradeUsed v0 of the API has a flag in place of the type
 */
export async function updateFeatures(
  request: UpdateRequest,
  isAllowDowngradeUsed: boolean,
  modules: FeatureModules,
): Promise<void> {
  const upgrade = await modules.run(featureUpdates(request, isAllowDowngradeUsed, modules));
  if (upgrade === null) return;
  const outcome = await modules.quorumVersion.raise(upgrade);
  if (outcome.errorCode !== Errors.NONE) throw refusalOf(upgrade, outcome);
  // Control records are nothing that a broker applies: whoever has applied what is behind them knows them too.
  await modules.run(noOp);
}

/** Decides all but the version of the quorum; the response says what is to become of that, if anything. */
function featureUpdates(
  request: UpdateRequest,
  isAllowDowngradeUsed: boolean,
  { config, quorumVersion }: Pick<FeatureModules, "config" | "quorumVersion">,
): Operation<VersionUpgrade | null> {
  return {
    name: "update-features",
    decide(image, { epoch }) {
      const levels = new Map([...image.features, [KRAFT_VERSION, quorumVersion.level()]]);
      const currentLevels = new Map(levels);
      const seen = new Set<string>();
      for (const update of request.featureUpdates) {
        if (seen.has(update.feature)) {
          throw new ApiError(Errors.INVALID_REQUEST, `The feature ${update.feature} is given more than once.`);
        }
        seen.add(update.feature);
        const currentLevel = currentLevels.get(update.feature) ?? 0;
        checkUpdate(update, upgradeTypeOf(update, isAllowDowngradeUsed), currentLevel, image);
        levels.set(update.feature, update.maxVersionLevel);
      }
      checkDependencies(levels);
      const changed = request.featureUpdates.filter(
        ({ feature, maxVersionLevel }) => (currentLevels.get(feature) ?? 0) !== maxVersionLevel,
      );
      const raised = changed.find(({ feature }) => feature === KRAFT_VERSION);
      const upgrade = raised === undefined ? null : { epoch, kraftVersion: raised.maxVersionLevel };
      const refusal = upgrade === null ? null : quorumVersion.refusal(upgrade);
      if (upgrade !== null && refusal !== null) throw refusalOf(upgrade, refusal);
      const records: MetadataRecord[] = changed
        .filter(update => update !== raised)
        .map(({ feature, maxVersionLevel }) =>
          record("FeatureLevelRecord", 0, { name: feature, featureLevel: maxVersionLevel }),
        );
      if (changed.some(({ feature, maxVersionLevel }) => isElr(feature) && maxVersionLevel >= 1)) {
        records.push(...elrSafetyRecords(image, config));
      }
      return request.validateOnly ? { records: [], response: null } : { records, response: upgrade };
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
  currentLevel: number,
  image: MetadataImage,
): void {
  if (upgradeType < UpgradeType.UPGRADE || upgradeType > UpgradeType.UNSAFE_DOWNGRADE) {
    throw invalid(feature, level, "the controller does not support the given upgrade type.");
  }
  const supported = supportedFeatures.find(({ name }) => name === feature);
  if (supported === undefined) throw invalid(feature, level, "the controller does not support the given feature.");
  if (level < 0) throw invalid(feature, level, "a feature version cannot be less than 0.");
  const { minSupportedVersion, maxSupportedVersion } = supported;
  // Level 0 takes a feature away, unless it is one that there has to be.
  const isInRange =
    (level === 0 && minSupportedVersion === 0) || (level >= minSupportedVersion && level <= maxSupportedVersion);
  if (!isInRange) {
    throw invalid(feature, level, `this controller supports versions ${minSupportedVersion}-${maxSupportedVersion}.`);
  }
  checkNodes(feature, level, image);
  checkDirection(feature, level, upgradeType, currentLevel);
}

function checkNodes(feature: string, level: number, image: MetadataImage): void {
  if (level === 0) return;
  const { brokers, controllers } = image.cluster;
  const isAbleTo = ({ features }: { readonly features: readonly SupportedFeature[] }): boolean => {
    const range = features.find(({ name }) => name === feature);
    return range !== undefined && range.minSupportedVersion <= level && level <= range.maxSupportedVersion;
  };
  for (const broker of brokers.values()) {
    if (!isAbleTo(broker)) throw invalid(feature, level, `broker ${broker.id} does not support this feature version.`);
  }
  for (const controller of controllers.values()) {
    if (isAbleTo(controller)) continue;
    throw invalid(feature, level, `controller ${controller.id} does not support this feature version.`);
  }
}

function checkDirection(feature: string, level: number, upgradeType: number, current: number): void {
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
  if (feature === KRAFT_VERSION) throw invalid(feature, level, "it cannot be lowered: the voters are in the log.");
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

/** The quorum's refusal as that of the request. */
function refusalOf({ kraftVersion }: VersionUpgrade, { errorCode, message }: VoterChangeOutcome): ApiError {
  if (errorCode === Errors.INVALID_UPDATE_VERSION) return invalid(KRAFT_VERSION, kraftVersion, message ?? "");
  // Whoever is active now is to be asked.
  const code = errorCode === Errors.NOT_LEADER_OR_FOLLOWER ? Errors.NOT_CONTROLLER : errorCode;
  return new ApiError(code, message ?? undefined);
}

function invalid(feature: string, level: number, reason: string): ApiError {
  return new ApiError(
    Errors.INVALID_UPDATE_VERSION,
    `Invalid update version ${level} for feature ${feature}: ${reason}`,
  );
}
