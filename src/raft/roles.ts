/** What a member of the quorum is at a time, and what it has to remember as such. */
import type { Leadership } from "./leadership.ts";
import type { Votes } from "./votes.ts";

export interface Unattached {
  readonly kind: "unattached";
  electionAtMs: number;
}

export interface Follower {
  readonly kind: "follower";
  readonly leaderId: number;
  timeoutAtMs: number;
  /** Has had an answer from the leader and no sign since that it is gone: refuses pre-votes (KIP-996). */
  hearsLeader: boolean;
  /** When the leader last answered; -1 before it has. */
  heardAtMs: number;
  /** The leader is believed gone, and it is settled how long to wait before standing. */
  isSuspected: boolean;
  /** When to tell the leader about changed endpoints, or to ask it to join. */
  introduceAtMs: number;
  /** The leader has heard what this voter has to say of itself, and keeps it for as long as it leads (`kraft.version` 0). */
  isIntroduced: boolean;
}

/** Asks for pre-votes (`prospective`) or votes (`candidate`). */
export interface Standing {
  readonly kind: "prospective" | "candidate";
  readonly round: number;
  readonly votes: Votes;
  readonly endsAtMs: number;
  resendAtMs: number;
}

export interface Leader extends Leadership {
  readonly kind: "leader";
}

export type Role = Unattached | Follower | Standing | Leader;
