/**
 * Brokers and controllers of a metadata image, and the editor that changes them.
 */
import type {
  BrokerRegistrationChangeRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
} from "../../protocol/internal/metadata/broker.ts";
import { CopyOnWriteMap } from "./copy-on-write-map.ts";
import { MetadataError } from "./metadata-error.ts";

export interface Endpoint {
  /** Name of the listener. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** As in `SecurityProtocol`: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number;
}

/** Which levels of a feature a node can work with. */
export interface SupportedFeature {
  readonly name: string;
  readonly minSupportedVersion: number;
  readonly maxSupportedVersion: number;
}

export interface BrokerRegistration {
  readonly id: number;
  /** Offset of the registration's record: newer registrations have higher epochs. */
  readonly epoch: number;
  /** Chosen by the broker process at each start. */
  readonly incarnationId: string;
  readonly endpoints: readonly Endpoint[];
  readonly features: readonly SupportedFeature[];
  readonly rack: string | null;
  /** Registered, but may not lead or be in an ISR. */
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
  /** Ids of its log directories that are online, in order. */
  readonly logDirs: readonly string[];
  /** Directories that take no new replicas (KIP-1066); null when the broker never told. */
  readonly cordonedLogDirs: readonly string[] | null;
  readonly isMigratingZkBroker: boolean;
}

export interface ControllerRegistration {
  readonly id: number;
  readonly incarnationId: string;
  readonly zkMigrationReady: boolean;
  readonly endpoints: readonly Endpoint[];
  readonly features: readonly SupportedFeature[];
}

export interface ClusterImage {
  readonly brokers: ReadonlyMap<number, BrokerRegistration>;
  readonly controllers: ReadonlyMap<number, ControllerRegistration>;
}

/** Says so in `fenced` and `inControlledShutdown` of a BrokerRegistrationChangeRecord; 0 is no change. */
export const REGISTRATION_CHANGE_ON = 1;
export const REGISTRATION_CHANGE_OFF = -1;

/** Gathers changes to a {@link ClusterImage}. */
export class ClusterEditor {
  readonly #base: ClusterImage;
  readonly #brokers: CopyOnWriteMap<number, BrokerRegistration>;
  readonly #controllers: CopyOnWriteMap<number, ControllerRegistration>;

  constructor(base: ClusterImage) {
    this.#base = base;
    this.#brokers = new CopyOnWriteMap(base.brokers);
    this.#controllers = new CopyOnWriteMap(base.controllers);
  }

  registerBroker(record: RegisterBrokerRecord): void {
    this.#brokers.set(record.brokerId, {
      id: record.brokerId,
      epoch: record.brokerEpoch,
      incarnationId: record.incarnationId,
      endpoints: record.endPoints,
      features: record.features,
      rack: record.rack,
      fenced: record.fenced,
      inControlledShutdown: record.inControlledShutdown,
      logDirs: record.logDirs,
      cordonedLogDirs: record.cordonedLogDirs,
      isMigratingZkBroker: record.isMigratingZkBroker,
    });
  }

  unregisterBroker(id: number, epoch: number): void {
    this.#registration(id, epoch);
    this.#brokers.delete(id);
  }

  setFenced(id: number, epoch: number, fenced: boolean): void {
    this.#brokers.set(id, { ...this.#registration(id, epoch), fenced });
  }

  changeBroker(record: BrokerRegistrationChangeRecord): void {
    const before = this.#registration(record.brokerId, record.brokerEpoch);
    this.#brokers.set(record.brokerId, {
      ...before,
      fenced: flagAfter(before.fenced, record.fenced),
      inControlledShutdown: flagAfter(before.inControlledShutdown, record.inControlledShutdown),
      // An empty list is the field's default, hence no change.
      logDirs: record.logDirs.length === 0 ? before.logDirs : record.logDirs,
      cordonedLogDirs: record.cordonedLogDirs ?? before.cordonedLogDirs,
    });
  }

  registerController(record: RegisterControllerRecord): void {
    this.#controllers.set(record.controllerId, {
      id: record.controllerId,
      incarnationId: record.incarnationId,
      zkMigrationReady: record.zkMigrationReady,
      endpoints: record.endPoints,
      features: record.features,
    });
  }

  finish(): { image: ClusterImage; brokers: ReadonlySet<number>; controllers: ReadonlySet<number> } {
    const brokers = this.#brokers.changedKeys;
    const controllers = this.#controllers.changedKeys;
    const isChanged = brokers.size > 0 || controllers.size > 0;
    const image = isChanged ? { brokers: this.#brokers.finish(), controllers: this.#controllers.finish() } : this.#base;
    return { image, brokers, controllers };
  }

  #registration(id: number, epoch: number): BrokerRegistration {
    const registration = this.#brokers.get(id);
    if (registration === undefined) throw new MetadataError(`broker ${id} is changed but not registered`);
    if (registration.epoch !== epoch) {
      throw new MetadataError(`broker ${id} has epoch ${registration.epoch}, a record of epoch ${epoch} changes it`);
    }
    return registration;
  }
}

function flagAfter(before: boolean, change: number): boolean {
  if (change === 0) return before;
  if (change !== REGISTRATION_CHANGE_ON && change !== REGISTRATION_CHANGE_OFF) {
    throw new MetadataError(`${change} is no change of a broker's registration`);
  }
  return change === REGISTRATION_CHANGE_ON;
}
