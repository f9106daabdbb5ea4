/**
 * Who is in sync: decisions about a partition's set of in-sync replicas (ISR), as its leader makes them. Pure.
 *
 * A change is proposed to the controller and in force once that has written it. Until the leader knows, it counts with both sets, the committed
 * one and the proposed one: the *maximal ISR*. As one of them always holds the other, that is the larger (the TLA+ model's AsyncIsr; KIP-497).
 */
import type { FollowerProgress } from "./follower-progress.ts";

/** A change of the ISR that the controller was asked for. */
export interface IsrChange {
  readonly kind: "expand" | "shrink";
  /** What the ISR is to be. */
  readonly isr: readonly number[];
}

export interface IsrState {
  readonly committed: readonly number[];
  /** Null while none is under way; there is one at a time. */
  readonly pending: IsrChange | null;
}

/** What decides whether a broker may join an ISR (KIP-841, KIP-903). A `BrokerRegistration` is one. */
export interface BrokerFacts {
  readonly epoch: number;
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
}

/** Every replica that may be in the ISR as the controller has it: each holds the high watermark back. */
export function maximalIsr({ committed, pending }: IsrState): readonly number[] {
  return pending?.kind === "expand" ? pending.isr : committed;
}

/**
 * Whether a broker may be in an ISR at all: registered, neither fenced nor stopping, and the one that the fetch came from, not a later or an
 * earlier process of it.
 */
export function isEligible(broker: BrokerFacts | undefined, followerBrokerEpoch: number): boolean {
  if (broker === undefined || broker.fenced || broker.inControlledShutdown) return false;
  // A follower from before KIP-903 does not say.
  return followerBrokerEpoch < 0 || followerBrokerEpoch === broker.epoch;
}

/**
 * The change that lets `follower` in; null when it may not join now. It must have everything that consumers may have seen, and all that was
 * there when this leader began: the high watermark of a new leader may lag behind what the one before it acknowledged (KAFKA-7128).
 */
export function expansion(
  state: IsrState,
  follower: FollowerProgress,
  facts: {
    readonly highWatermark: number;
    readonly epochStartOffset: number;
    readonly broker: BrokerFacts | undefined;
  },
): IsrChange | null {
  const { committed, pending } = state;
  if (pending !== null || committed.includes(follower.id)) return null;
  const { highWatermark, epochStartOffset, broker } = facts;
  if (follower.endOffset < Math.max(highWatermark, epochStartOffset)) return null;
  if (!isEligible(broker, follower.brokerEpoch)) return null;
  return { kind: "expand", isr: [...committed, follower.id] };
}

/** The change that removes all who have not been caught up for `lagTimeMaxMs`; null when nobody has to go. */
export function reduction(
  state: IsrState,
  followers: readonly FollowerProgress[],
  facts: { readonly leaderEndOffset: number; readonly nowMs: number; readonly lagTimeMaxMs: number },
): IsrChange | null {
  const { committed, pending } = state;
  if (pending !== null) return null;
  const { leaderEndOffset, nowMs, lagTimeMaxMs } = facts;
  const isLate = (id: number): boolean => {
    const follower = followers.find(other => other.id === id);
    return follower !== undefined && !follower.isCaughtUp(leaderEndOffset, nowMs, lagTimeMaxMs);
  };
  const isr = committed.filter(id => !isLate(id));
  return isr.length === committed.length ? null : { kind: "shrink", isr };
}
