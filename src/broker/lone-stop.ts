/**
 * Sees that a node which stops is not the last of its cluster: where so many voters refuse connections that no controller can be elected, nobody is
 * left to move leaderships, and to wait for one would only hold up the stop of them all.
 */
import type { Network, Timers } from "../platform/platform.ts";
import type { VoterSet } from "../raft/voter-set.ts";
import { isListening } from "./probe.ts";

/** What is known of the quorum; a `RaftDriver` has it. */
export interface QuorumMembers {
  readonly nodeId: number;
  readonly voterSet: VoterSet;
  addressOf(nodeId: number): { readonly host: string; readonly port: number } | null;
}

export interface LoneStopModules {
  readonly quorum: QuorumMembers;
  readonly network: Network;
  readonly timers: Timers;
}

/** Between looks, while the node waits to be let go. */
const LOOK_INTERVAL_MS = 100;

/** Looks from now on; calls `onAlone` once, when it is so. Returns the end of it. */
export function watchForLoneStop(modules: LoneStopModules, onAlone: () => void): () => void {
  let isEnded = false;
  const look = async () => {
    if (isEnded) return;
    const isAlone = !(await mayElect(modules));
    if (isEnded) return;
    if (isAlone) onAlone();
    else modules.timers.after(LOOK_INTERVAL_MS, look);
  };
  look();
  return () => {
    isEnded = true;
  };
}

/** Whether a majority of the voters may be there. One that does not answer may be slow, or cut off; only who refuses is gone. */
async function mayElect({ quorum, ...modules }: LoneStopModules): Promise<boolean> {
  const { nodeId, voterSet } = quorum;
  const mayBeThere = await Promise.all(
    voterSet.ids.map(id => {
      const address = id === nodeId ? null : quorum.addressOf(id);
      return address === null ? true : isListening(address, modules);
    }),
  );
  return mayBeThere.filter(Boolean).length >= voterSet.majority;
}
