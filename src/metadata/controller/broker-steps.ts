/**
 * Changes of a broker's standing, with what they mean for its partitions: fenced, unfenced, on its way down, directories lost. Each operation
 * is one step; where a broker is in more partitions than a step may change, the same operation is run until it says that it was the last.
 */
import type { BrokerRegistrationChangeRecord } from "../../../protocol/internal/metadata/broker.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { Decision } from "../../machine/state-machine.ts";
import { type BrokerRegistration, REGISTRATION_CHANGE_OFF, REGISTRATION_CHANGE_ON } from "../cluster-image.ts";
import { MetadataVersion, metadataVersionOf } from "../features.ts";
import type { MetadataImage } from "../image.ts";
import { type MetadataRecord, record } from "../records.ts";
import {
  electForLeaderless,
  evictLossy,
  leaveElrs,
  leaveIsrs,
  PARTITIONS_PER_STEP,
  type Restart,
  type Step,
  type StepContext,
} from "./memberships.ts";
import { type Operation, unchanged } from "./operation.ts";
import type { PartitionIndex } from "./partition-index.ts";
import { withRegistration } from "./partition-rules.ts";

export interface StepModules {
  readonly config: BrokerConfig;
  /** Most partitions that a step changes; {@link PARTITIONS_PER_STEP} unless given. */
  readonly partitionsPerStep?: number | undefined;
}

/** A broker process, by its epoch: steps for another one do nothing. */
export interface BrokerProcess {
  readonly brokerId: number;
  readonly brokerEpoch: number;
}

/** Keeps a broker from leading and being in sync. */
export function fenceStep(broker: BrokerProcess, modules: StepModules): Operation<Step> {
  return changeStep("fence-broker", broker, (before, image, index) => {
    const after = { ...before, fenced: true };
    const changes = leaveIsrs(before.id, contextOf(withRegistration(image, before.id, after), index, modules));
    const fence = before.fenced ? [] : [registrationChange(before, 0, { fenced: REGISTRATION_CHANGE_ON })];
    return { records: [...changes, ...fence], response: { isLast: isLast(changes, modules) } };
  });
}

/** Lets a broker lead and be in sync, and elects it where it is waited for. */
export function unfenceStep(broker: BrokerProcess, modules: StepModules): Operation<Step> {
  return changeStep("unfence-broker", broker, (before, image, index) => {
    const after = { ...before, fenced: false };
    const unfence = before.fenced ? [registrationChange(before, 0, { fenced: REGISTRATION_CHANGE_OFF })] : [];
    const context = contextOf(withRegistration(image, before.id, after), index, modules);
    const changes = electForLeaderless(before.id, context);
    return { records: [...unfence, ...changes], response: { isLast: isLast(changes, modules) } };
  });
}

/** The broker is about to stop: others lead and are in sync in its place. */
export function shutdownStep(broker: BrokerProcess, modules: StepModules): Operation<Step> {
  return changeStep("controlled-shutdown", broker, (before, image, index) => {
    const after = { ...before, inControlledShutdown: true };
    const begin = before.inControlledShutdown
      ? []
      : [registrationChange(before, 1, { inControlledShutdown: REGISTRATION_CHANGE_ON })];
    const changes = leaveIsrs(before.id, contextOf(withRegistration(image, before.id, after), index, modules));
    return { records: [...begin, ...changes], response: { isLast: isLast(changes, modules) } };
  });
}

/** Log directories of the broker are offline: its replicas there are out of sync. One that has none left says so by falling silent. */
export function directoriesStep(
  broker: BrokerProcess,
  offline: readonly string[],
  modules: StepModules,
): Operation<Step> {
  return changeStep("directories-offline", broker, (before, image, index) => {
    const logDirs = before.logDirs.filter(id => !offline.includes(id));
    const isKnown = metadataVersionOf(image) >= MetadataVersion.DIRECTORY_ASSIGNMENT;
    const isNew = isKnown && logDirs.length > 0 && logDirs.length < before.logDirs.length;
    const after = isNew ? { ...before, logDirs } : before;
    const changes = leaveIsrs(before.id, contextOf(withRegistration(image, before.id, after), index, modules));
    const change = isNew ? [registrationChange(before, 2, { logDirs })] : [];
    return { records: [...changes, ...change], response: { isLast: isLast(changes, modules) } };
  });
}

/** Takes a broker that is about to be registered out of ISRs and ELRs that its last process may have betrayed, see `evictLossy`. */
export function evictStep(brokerId: number, restart: Restart, modules: StepModules): Operation<Step> {
  return {
    name: "evict-lossy",
    decide(image, _context, index) {
      const before = image.cluster.brokers.get(brokerId);
      const without = before === undefined ? image : withRegistration(image, brokerId, { ...before, fenced: true });
      const records = evictLossy(brokerId, restart, contextOf(without, index, modules));
      return { records, response: { isLast: isLast(records, modules) } };
    },
  };
}

/** What a controller before this one had left to do for a broker: leave what it may not be in. */
export function reconcileStep(brokerId: number, modules: StepModules): Operation<Step> {
  return {
    name: "reconcile-broker",
    decide(image, _context, index) {
      const records = leaveIsrs(brokerId, contextOf(image, index, modules));
      return { records, response: { isLast: isLast(records, modules) } };
    },
  };
}

/** Elects leaders for partitions that have none, where somebody may lead by now: after a change of settings, or of the controller. */
export function electStep(modules: StepModules): Operation<Step> {
  return {
    name: "elect-leaderless",
    decide(image, _context, index) {
      const records = electForLeaderless(null, contextOf(image, index, modules));
      return { records, response: { isLast: isLast(records, modules) } };
    },
  };
}

/** Takes a broker out of everything and then its registration away. Nothing happens when there is none. */
export function unregisterStep({ brokerId }: Pick<BrokerProcess, "brokerId">, modules: StepModules): Operation<Step> {
  return {
    name: "unregister-broker",
    decide(image, _context, index) {
      const before = image.cluster.brokers.get(brokerId);
      if (before === undefined) return unchanged({ isLast: true });
      const context = contextOf(withRegistration(image, brokerId, null), index, modules);
      const leaving = leaveIsrs(brokerId, context);
      if (!isLast(leaving, modules)) return { records: leaving, response: { isLast: false } };
      // What has just left an ISR is looked at in the step after.
      const changes = leaving.length > 0 ? leaving : leaveElrs(brokerId, context);
      if (changes.length > 0) return { records: changes, response: { isLast: false } };
      const removal = record("UnregisterBrokerRecord", 0, { brokerId, brokerEpoch: before.epoch });
      return { records: [removal], response: { isLast: true } };
    },
  };
}

/** A BrokerRegistrationChangeRecord, in the lowest version that can say it. */
export function registrationChange(
  { id, epoch }: BrokerRegistration,
  version: number,
  change: Partial<BrokerRegistrationChangeRecord>,
): MetadataRecord {
  return record("BrokerRegistrationChangeRecord", version, {
    brokerId: id,
    brokerEpoch: epoch,
    fenced: 0,
    inControlledShutdown: 0,
    logDirs: [],
    cordonedLogDirs: null,
    ...change,
  });
}

function changeStep(
  name: string,
  { brokerId, brokerEpoch }: BrokerProcess,
  decide: (before: BrokerRegistration, image: MetadataImage, index: PartitionIndex) => Decision<Step, MetadataRecord>,
): Operation<Step> {
  return {
    name,
    decide(image, _context, index) {
      const before = image.cluster.brokers.get(brokerId);
      if (before?.epoch !== brokerEpoch) return unchanged({ isLast: true });
      return decide(before, image, index);
    },
  };
}

function contextOf(image: MetadataImage, index: PartitionIndex, modules: StepModules): StepContext {
  return { image, index, config: modules.config, limit: limitOf(modules) };
}

function limitOf({ partitionsPerStep }: StepModules): number {
  return partitionsPerStep ?? PARTITIONS_PER_STEP;
}

/** Whether there is nothing more to do once these changes are made. */
function isLast(changes: readonly MetadataRecord[], modules: StepModules): boolean {
  return changes.length < limitOf(modules);
}
