/**
 * What a broker's heartbeat leads to (KIP-631, KIP-841): it is unfenced once it has caught up, fenced when it asks for that, and led through its
 * controlled shutdown: its leaderships go first, and it may stop when everybody else has heard of it.
 */
import type { BrokerHeartbeat } from "../../../protocol/apis/63-broker-heartbeat.ts";
import type { RequestOf } from "../../../protocol/schema.ts";
import type { BrokerRegistration } from "../cluster-image.ts";
import { MetadataVersion, metadataVersionOf } from "../features.ts";
import type { MetadataImage } from "../image.ts";
import type { MetadataRecord } from "../records.ts";
import {
  electStep,
  fenceStep,
  reconcileStep,
  registrationChange,
  type StepModules,
  shutdownStep,
  unfenceStep,
} from "./broker-steps.ts";
import { checkBrokerEpoch } from "./brokers.ts";
import type { Step } from "./memberships.ts";
import type { Operation } from "./operation.ts";
import type { PartitionIndex } from "./partition-index.ts";

type HeartbeatRequest = RequestOf<typeof BrokerHeartbeat>;

/** What becomes of the broker. `stop`: it is fenced, and told to stop. */
export type Transition = "none" | "fence" | "unfence" | "begin-shutdown" | "stop";

export interface HeartbeatOutcome extends Step {
  readonly transition: Transition;
  readonly isCaughtUp: boolean;
  readonly isFenced: boolean;
  readonly shouldShutDown: boolean;
}

/** What sessions know beside the image. */
export interface ShutdownFacts {
  /** Whether all active brokers have applied that the broker leads nothing any more. */
  isKnownEverywhere(): boolean;
}

/** Decides BrokerHeartbeat. Throws `ApiError` STALE_BROKER_EPOCH. Where the outcome is not the last step, {@link continuationOf} has the others. */
export function brokerHeartbeat(
  request: HeartbeatRequest,
  facts: ShutdownFacts,
  modules: StepModules,
): Operation<HeartbeatOutcome> {
  return {
    name: "broker-heartbeat",
    decide(image, context, index) {
      const broker = checkBrokerEpoch(image, request.brokerId, request.brokerEpoch);
      const transition = transitionOf(broker, request, facts, index);
      const step = stepOf(transition, request, modules)?.decide(image, context, index);
      const isFenced = transition === "none" ? broker.fenced : transition === "fence" || transition === "stop";
      return {
        records: [...cordonedRecords(broker, request, image), ...(step?.records ?? [])],
        response: {
          transition,
          isLast: step?.response.isLast ?? true,
          isCaughtUp: request.currentMetadataOffset >= broker.epoch,
          isFenced,
          shouldShutDown: transition === "stop",
        },
      };
    },
  };
}

/** What goes on with a transition whose first step was not the last. The broker's standing is settled by then, and may have changed again. */
export function continuationOf(transition: Transition, brokerId: number, modules: StepModules): Operation<Step> {
  return transition === "unfence" ? electStep(modules) : reconcileStep(brokerId, modules);
}

/** The step that makes a transition; null where there is nothing to do. */
function stepOf(transition: Transition, broker: HeartbeatRequest, modules: StepModules): Operation<Step> | null {
  switch (transition) {
    case "none":
      return null;
    case "unfence":
      return unfenceStep(broker, modules);
    case "begin-shutdown":
      return shutdownStep(broker, modules);
    default:
      return fenceStep(broker, modules);
  }
}

function transitionOf(
  broker: BrokerRegistration,
  { currentMetadataOffset, wantFence, wantShutDown }: HeartbeatRequest,
  facts: ShutdownFacts,
  index: PartitionIndex,
): Transition {
  if (broker.fenced) {
    if (wantShutDown) return "stop";
    // The epoch is the offset of the registration: who has applied that knows what it is to do.
    return !wantFence && currentMetadataOffset >= broker.epoch ? "unfence" : "none";
  }
  if (wantFence) return wantShutDown ? "stop" : "fence";
  const hasWork = index.ledBy.of(broker.id).size > 0 || index.inIsrOf.of(broker.id).size > 0;
  if (broker.inControlledShutdown) {
    if (index.ledBy.of(broker.id).size > 0) return "begin-shutdown";
    return facts.isKnownEverywhere() ? "stop" : "none";
  }
  if (!wantShutDown) return "none";
  return hasWork ? "begin-shutdown" : "stop";
}

/** Directories that are to take no new replicas (KIP-1066), where they are others than before. */
function cordonedRecords(
  broker: BrokerRegistration,
  { cordonedLogDirs }: HeartbeatRequest,
  image: MetadataImage,
): MetadataRecord[] {
  if (cordonedLogDirs === null) return [];
  if (metadataVersionOf(image) < MetadataVersion.CORDONED_DIRECTORIES) return [];
  const before = broker.cordonedLogDirs;
  const after = [...cordonedLogDirs].sort();
  if (before !== null && before.length === after.length && after.every(id => before.includes(id))) return [];
  return [registrationChange(broker, 3, { cordonedLogDirs: after })];
}
