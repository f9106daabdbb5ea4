/**
 * Brokers and controllers joining and leaving the cluster (KIP-631).
 *
 * A broker registers, which gives it an epoch and leaves it fenced, is unfenced once it has caught up, and gets back the leaderships that
 * wait for it. A process that comes back under the same id is a new broker: what it led, it leads again only under a new leader epoch, since
 * records that it had not flushed may be gone and their offsets would be given out twice.
 */
import type { BrokerRegistration as BrokerRegistrationApi } from "../../../protocol/apis/62-broker-registration.ts";
import type { ControllerRegistration as ControllerRegistrationApi } from "../../../protocol/apis/70-controller-registration.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { BrokerRegistrationChangeRecord } from "../../../protocol/internal/metadata/broker.ts";
import type { RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import { type BrokerRegistration, REGISTRATION_CHANGE_OFF, REGISTRATION_CHANGE_ON } from "../cluster-image.ts";
import { KRAFT_VERSION, METADATA_VERSION, registerBrokerRecordVersion } from "../features.ts";
import type { MetadataImage } from "../image.ts";
import { type MetadataRecord, record } from "../records.ts";
import { type Operation, unchanged } from "./operation.ts";
import { electLeaders, resignLeaderships } from "./partitions.ts";

type RegistrationRequest = RequestOf<typeof BrokerRegistrationApi>;
type RegistrationResponse = ResponseOf<typeof BrokerRegistrationApi>;
type ControllerRequest = RequestOf<typeof ControllerRegistrationApi>;
type ControllerResponse = ResponseOf<typeof ControllerRegistrationApi>;

export interface RegisterBrokerOptions {
  readonly clusterId: string;
  /** Whether the process that holds a registration is known to be running: its id is then not given to another one. */
  isRunning(registration: BrokerRegistration): boolean;
}

/** Leaderships moved by one operation: few enough that others get their turn in between. */
const PARTITIONS_PER_STEP = 5_000;

/** A step of something that may take several operations. */
export interface Step {
  readonly isLast: boolean;
}

/**
 * Decides BrokerRegistration. The epoch is the offset of the record, or the one before when the same process registers again.
 * Callers first let {@link resignStep} run to its last step.
 */
export function registerBroker(
  request: RegistrationRequest,
  options: RegisterBrokerOptions,
): Operation<RegistrationResponse> {
  return {
    name: "register-broker",
    decide(image, { nextOffset }) {
      checkRegistration(request, image, options);
      const before = image.cluster.brokers.get(request.brokerId);
      const isSameProcess = before?.incarnationId === request.incarnationId;
      const brokerEpoch = isSameProcess ? before.epoch : nextOffset;
      const version = registerBrokerRecordVersion(image.features.get(METADATA_VERSION) ?? 0);
      const registration = record("RegisterBrokerRecord", version, {
        brokerId: request.brokerId,
        isMigratingZkBroker: false,
        incarnationId: request.incarnationId,
        brokerEpoch,
        endPoints: request.listeners.map(({ name, host, port, securityProtocol }) => ({
          name,
          host,
          port,
          securityProtocol,
        })),
        features: request.features,
        rack: request.rack,
        fenced: isSameProcess ? before.fenced : true,
        inControlledShutdown: isSameProcess && before.inControlledShutdown,
        logDirs: version >= 3 ? [...request.logDirs].sort() : [],
        cordonedLogDirs: null,
      });
      return { records: [registration], response: { throttleTimeMs: 0, errorCode: Errors.NONE, brokerEpoch } };
    },
  };
}

function checkRegistration(request: RegistrationRequest, image: MetadataImage, options: RegisterBrokerOptions): void {
  if (request.clusterId !== options.clusterId) {
    throw new ApiError(
      Errors.INCONSISTENT_CLUSTER_ID,
      `Expected cluster ID ${options.clusterId}, but got cluster ID ${request.clusterId}`,
    );
  }
  const before = image.cluster.brokers.get(request.brokerId);
  if (before !== undefined && before.incarnationId !== request.incarnationId && options.isRunning(before)) {
    throw new ApiError(
      Errors.DUPLICATE_BROKER_REGISTRATION,
      `Another broker is registered with that broker id: ${request.brokerId}.`,
    );
  }
  checkDirectories(request, image);
  for (const [name, level] of image.features) {
    if (name === KRAFT_VERSION) continue;
    const supported = request.features.find(feature => feature.name === name);
    if (supported !== undefined && supported.minSupportedVersion <= level && level <= supported.maxSupportedVersion)
      continue;
    throw new ApiError(
      Errors.UNSUPPORTED_VERSION,
      `Unable to register because the broker does not support version ${level} of ${name}.`,
    );
  }
}

function checkDirectories({ brokerId, logDirs }: RegistrationRequest, image: MetadataImage): void {
  if (logDirs.length === 0) throw new ApiError(Errors.INVALID_REGISTRATION, "No directories specified in the request.");
  if (new Set(logDirs).size !== logDirs.length) {
    throw new ApiError(Errors.INVALID_REGISTRATION, "The request names a directory more than once.");
  }
  for (const broker of image.cluster.brokers.values()) {
    const shared = broker.id === brokerId ? undefined : broker.logDirs.find(id => logDirs.includes(id));
    if (shared === undefined) continue;
    throw new ApiError(Errors.INVALID_REGISTRATION, `Broker ${broker.id} is already using directory ${shared}.`);
  }
}

/** Takes some of a broker's leaderships from it; to be repeated until the last step. */
export function resignStep(brokerId: number): Operation<Step> {
  return {
    name: "resign-leaderships",
    decide(image) {
      const records = resignLeaderships(image, brokerId, PARTITIONS_PER_STEP);
      return { records, response: { isLast: records.length < PARTITIONS_PER_STEP } };
    },
  };
}

/** Gives leaders to some of the leaderless partitions with a replica on the broker; to be repeated until the last step. */
export function electStep(brokerId: number): Operation<Step> {
  return {
    name: "elect-leaders",
    decide(image) {
      const records = electLeaders(image, brokerId, PARTITIONS_PER_STEP);
      return { records, response: { isLast: records.length < PARTITIONS_PER_STEP } };
    },
  };
}

/** Lets a registered broker lead and be in sync. Nothing happens when it may already. */
export function unfenceBroker(brokerId: number, brokerEpoch: number): Operation<void> {
  return changeOperation("unfence-broker", brokerId, brokerEpoch, broker =>
    broker.fenced ? { version: 0, change: { fenced: REGISTRATION_CHANGE_OFF } } : null,
  );
}

/** Keeps a broker from leading and being in sync. Callers first let {@link resignStep} run to its last step. */
export function fenceBroker(brokerId: number, brokerEpoch: number): Operation<void> {
  return changeOperation("fence-broker", brokerId, brokerEpoch, broker =>
    broker.fenced ? null : { version: 0, change: { fenced: REGISTRATION_CHANGE_ON } },
  );
}

/** The broker is about to stop: it is given nothing new to lead. */
export function beginControlledShutdown(brokerId: number, brokerEpoch: number): Operation<void> {
  return changeOperation("controlled-shutdown", brokerId, brokerEpoch, broker =>
    broker.inControlledShutdown ? null : { version: 1, change: { inControlledShutdown: REGISTRATION_CHANGE_ON } },
  );
}

interface RegistrationChange {
  /** The lowest record version that can say it. */
  readonly version: number;
  readonly change: Partial<BrokerRegistrationChangeRecord>;
}

function changeOperation(
  name: string,
  brokerId: number,
  brokerEpoch: number,
  changeOf: (broker: BrokerRegistration) => RegistrationChange | null,
): Operation<void> {
  return {
    name,
    decide(image) {
      const wanted = changeOf(checkBrokerEpoch(image, brokerId, brokerEpoch));
      if (wanted === null) return unchanged(undefined);
      const changed = record("BrokerRegistrationChangeRecord", wanted.version, {
        brokerId,
        brokerEpoch,
        fenced: 0,
        inControlledShutdown: 0,
        logDirs: [],
        cordonedLogDirs: null,
        ...wanted.change,
      });
      return { records: [changed], response: undefined };
    },
  };
}

/** What is registered of a broker that speaks for itself. */
export function readBroker(brokerId: number, brokerEpoch: number): Operation<BrokerRegistration> {
  return { name: "read-broker", decide: image => unchanged(checkBrokerEpoch(image, brokerId, brokerEpoch)) };
}

/** The registration of a broker that speaks for itself. Throws `ApiError` BROKER_ID_NOT_REGISTERED, STALE_BROKER_EPOCH. */
export function checkBrokerEpoch(image: MetadataImage, brokerId: number, brokerEpoch: number): BrokerRegistration {
  const broker = image.cluster.brokers.get(brokerId);
  if (broker === undefined) {
    throw new ApiError(Errors.BROKER_ID_NOT_REGISTERED, `No broker registration found for broker id ${brokerId}`);
  }
  if (broker.epoch !== brokerEpoch) {
    throw new ApiError(
      Errors.STALE_BROKER_EPOCH,
      `Expected broker epoch ${broker.epoch}, but got broker epoch ${brokerEpoch}`,
    );
  }
  return broker;
}

/** Decides ControllerRegistration (KIP-919). A registration that says nothing new writes nothing. */
export function registerController(request: ControllerRequest): Operation<ControllerResponse> {
  return {
    name: "register-controller",
    decide(image) {
      const response: ControllerResponse = { throttleTimeMs: 0, errorCode: Errors.NONE, errorMessage: null };
      const before = image.cluster.controllers.get(request.controllerId);
      if (before?.incarnationId === request.incarnationId) return unchanged(response);
      const registration: MetadataRecord = record("RegisterControllerRecord", 0, {
        controllerId: request.controllerId,
        incarnationId: request.incarnationId,
        zkMigrationReady: request.zkMigrationReady,
        endPoints: request.listeners.map(({ name, host, port, securityProtocol }) => ({
          name,
          host,
          port,
          securityProtocol,
        })),
        features: request.features,
      });
      return { records: [registration], response };
    },
  };
}
