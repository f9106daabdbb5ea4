/**
 * Brokers and controllers registering with the cluster (KIP-631).
 *
 * A broker registers, which gives it an epoch and leaves it fenced; `heartbeats.ts` has what follows. A process that comes back under the same
 * id is a new broker: what it led, it leads again only under a new leader epoch, since records that it had not flushed may be gone and their
 * offsets would be given out twice.
 */
import type { BrokerRegistration as BrokerRegistrationApi } from "../../../protocol/apis/62-broker-registration.ts";
import type { ControllerRegistration as ControllerRegistrationApi } from "../../../protocol/apis/70-controller-registration.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import type { BrokerRegistration } from "../cluster-image.ts";
import { KRAFT_VERSION, metadataVersionOf, registerBrokerRecordVersion } from "../features.ts";
import type { MetadataImage } from "../image.ts";
import { type MetadataRecord, record } from "../records.ts";
import { type Operation, unchanged } from "./operation.ts";

type RegistrationRequest = RequestOf<typeof BrokerRegistrationApi>;
type RegistrationResponse = ResponseOf<typeof BrokerRegistrationApi>;
type ControllerRequest = RequestOf<typeof ControllerRegistrationApi>;
type ControllerResponse = ResponseOf<typeof ControllerRegistrationApi>;

export interface RegisterBrokerOptions {
  readonly clusterId: string;
  /** Whether the process that holds a registration is known to be running: its id is then not given to another one. */
  isRunning(registration: BrokerRegistration): boolean;
}

/**
 * Decides BrokerRegistration. The epoch is the offset of the record, or the one before when the same process registers again.
 * Callers first let the broker leave what the process before was in, step by step, and what that may have lost.
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
      const version = registerBrokerRecordVersion(metadataVersionOf(image));
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

/** Decides whether a broker could register, and does nothing about it. Throws what {@link registerBroker} throws. */
export function checkRegistrable(
  request: RegistrationRequest,
  options: RegisterBrokerOptions,
): Operation<{ readonly before: BrokerRegistration | null }> {
  return {
    name: "check-registration",
    decide(image) {
      checkRegistration(request, image, options);
      return unchanged({ before: image.cluster.brokers.get(request.brokerId) ?? null });
    },
  };
}

/**
 * Whether a process has log directories of the one that registered before it. A process locks its directories, so the one before has ended then,
 * however short ago it was heard of: a broker that was killed need not wait for its own session to time out.
 */
function holdsDirectoriesOf(before: BrokerRegistration, { logDirs }: RegistrationRequest): boolean {
  return logDirs.some(id => before.logDirs.includes(id));
}

function checkRegistration(request: RegistrationRequest, image: MetadataImage, options: RegisterBrokerOptions): void {
  if (request.clusterId !== options.clusterId) {
    throw new ApiError(
      Errors.INCONSISTENT_CLUSTER_ID,
      `Expected cluster ID ${options.clusterId}, but got cluster ID ${request.clusterId}`,
    );
  }
  const before = image.cluster.brokers.get(request.brokerId);
  const isAnother = before !== undefined && before.incarnationId !== request.incarnationId;
  if (isAnother && !holdsDirectoriesOf(before, request) && options.isRunning(before)) {
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
  if (logDirs.some(isReservedDirectory)) {
    throw new ApiError(Errors.INVALID_REGISTRATION, "The request names a directory id that is reserved.");
  }
  for (const broker of image.cluster.brokers.values()) {
    const shared = broker.id === brokerId ? undefined : broker.logDirs.find(id => logDirs.includes(id));
    if (shared === undefined) continue;
    throw new ApiError(Errors.INVALID_REGISTRATION, `Broker ${broker.id} is already using directory ${shared}.`);
  }
}

/** Ids below 100 stand for something else than a directory (KIP-858). */
function isReservedDirectory(id: string): boolean {
  const bytes = Buffer.from(id, "base64url");
  return bytes.subarray(0, 15).every(byte => byte === 0) && (bytes[15] ?? 0) < 100;
}

/** The registration of a broker that speaks for itself. Throws `ApiError` STALE_BROKER_EPOCH, for one that is not registered too. */
export function checkBrokerEpoch(image: MetadataImage, brokerId: number, brokerEpoch: number): BrokerRegistration {
  const broker = image.cluster.brokers.get(brokerId);
  if (broker === undefined) {
    throw new ApiError(Errors.STALE_BROKER_EPOCH, `No broker registration found for broker id ${brokerId}`);
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
