/** Which changes of the voters a leader accepts (KIP-853): one at a time, and only once it is sure of its own epoch. */
import { Errors } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import type { AddVoter, UpdateVoter, VoterChangeOutcome } from "./actions.ts";
import type { QuorumFacts, Voter } from "./quorum-history.ts";
import { KRAFT_VERSION_RANGE, type ReplicaKey, type VoterSet } from "./voter-set.ts";

export const CHANGED: VoterChangeOutcome = Object.freeze({ errorCode: Errors.NONE, message: null });

/** What a leader knows when it is asked. */
export interface ChangeContext {
  readonly facts: QuorumFacts;
  /** Those in force, configured ones included. */
  readonly voters: VoterSet;
  /** -1 when unknown. */
  readonly highWatermark: number;
  readonly epochStartOffset: number;
  readonly hasPendingChange: boolean;
  /** The listener by which controllers are reached; a voter without it cannot be. */
  readonly listenerName: string;
}

export function refuseAdding({ key, endpoints }: AddVoter, context: ChangeContext): VoterChangeOutcome | null {
  const refusal = refuseChange(context);
  if (refusal !== null) return refusal;
  if (key.id < 0 || key.directoryId === ZERO_UUID) {
    return refused(Errors.INVALID_REQUEST, "a voter has a node id and a directory id");
  }
  if (!endpoints.some(({ name }) => name === context.listenerName)) {
    return refused(Errors.INVALID_REQUEST, `a voter has an endpoint of the listener ${context.listenerName}`);
  }
  const present = context.voters.find(key.id);
  if (present === undefined) return null;
  return refused(
    Errors.DUPLICATE_VOTER,
    `node ${key.id} votes already, with directory ${present.voterDirectoryId}; remove that voter first`,
  );
}

export function refuseRemoving(key: ReplicaKey, context: ChangeContext): VoterChangeOutcome | null {
  const refusal = refuseChange(context);
  if (refusal !== null) return refusal;
  const { voters } = context;
  if (voters.find(key.id)?.voterDirectoryId !== key.directoryId) {
    return refused(Errors.VOTER_NOT_FOUND, `node ${key.id} with directory ${key.directoryId} does not vote`);
  }
  return voters.size === 1 ? refused(Errors.INVALID_REQUEST, "the last voter cannot be removed") : null;
}

export function refuseUpdating(update: UpdateVoter, context: ChangeContext): VoterChangeOutcome | null {
  const { kraftVersion } = context.facts;
  // Voters that are configured are not changed by it: the leader takes note of it, so nothing has to be committed before.
  const refusal = kraftVersion < 1 ? null : refuseChange(context);
  if (refusal !== null) return refusal;
  const { key, endpoints, minSupportedVersion, maxSupportedVersion } = update;
  if (key.directoryId === ZERO_UUID || !context.voters.has(key)) {
    return refused(Errors.VOTER_NOT_FOUND, `node ${key.id} with directory ${key.directoryId} does not vote`);
  }
  if (!endpoints.some(({ name }) => name === context.listenerName)) {
    return refused(Errors.INVALID_REQUEST, `a voter has an endpoint of the listener ${context.listenerName}`);
  }
  if (minSupportedVersion > kraftVersion || maxSupportedVersion < kraftVersion) {
    return refused(Errors.INVALID_REQUEST, `kraft.version ${kraftVersion} is not supported by the voter`);
  }
  return null;
}

/** The entry of the voters record for a node of which nothing else is known. */
export function newVoter(key: ReplicaKey, endpoints: Voter["endpoints"]): Voter {
  return {
    voterId: key.id,
    voterDirectoryId: key.directoryId,
    endpoints: endpoints.map(({ name, host, port }) => ({ name, host, port })),
    kRaftVersionFeature: KRAFT_VERSION_RANGE,
  };
}

function refuseChange(context: ChangeContext): VoterChangeOutcome | null {
  const { facts } = context;
  if (facts.kraftVersion < 1 || facts.voters === null) {
    return refused(Errors.UNSUPPORTED_VERSION, "the voters are configured (kraft.version 0) and cannot be changed");
  }
  return refuseUnready(context);
}

/** Refuses what the leader is not sure enough of its epoch for, and a second change beside a first. */
export function refuseUnready(context: ChangeContext): VoterChangeOutcome | null {
  const { facts, highWatermark, epochStartOffset, hasPendingChange } = context;
  // Before the own epoch's first record is committed nobody knows whether an earlier change is (Ongaro's single-server bug).
  if (highWatermark <= epochStartOffset) {
    return refused(Errors.REQUEST_TIMED_OUT, "the leader has not yet committed a record of its epoch");
  }
  if (hasPendingChange || facts.offset >= highWatermark) {
    return refused(Errors.REQUEST_TIMED_OUT, "another change of the voters is under way");
  }
  return null;
}

export function refused(errorCode: number, message: string): VoterChangeOutcome {
  return { errorCode, message };
}
