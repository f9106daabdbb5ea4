/**
 * Performs the core's actions, each after the one before. What must be durable before anything that follows from it, the quorum's state, is written
 * here; the rest is for the driver to do.
 */
import type { Logger } from "../logging/logger.ts";
import { type Disk, DiskError } from "../platform/platform.ts";
import type { Action } from "./actions.ts";
import { type QuorumState, writeQuorumState } from "./quorum-state.ts";

/** An action that nothing is written for first. */
export type PlainAction = Exclude<Action, { type: "persist" }>;

export interface ActionPerformerModules {
  readonly disk: Disk;
  readonly logger: Logger;
  /** Nothing is done any more once this is false. */
  readonly isRunning: () => boolean;
  /** What the quorum's state is written with at `kraft.version` 0. */
  readonly voters: () => { readonly kraftVersion: number; readonly ids: readonly number[] };
  readonly act: (action: PlainAction) => void;
  /** Has the core hear that its state could not be written for want of space. */
  readonly stateNotWritten: () => readonly Action[];
  /** Told when all is performed. */
  readonly done: () => void;
  /** Told of what makes the node unfit to go on. */
  readonly onFault: (error: Error) => void;
}

/** Actions that nobody outside of this node hears of. */
const WITHIN: ReadonlySet<Action["type"]> = new Set([
  "committed",
  "resigned",
  "leaderChanged",
  "wakeFetches",
  "voterChanged",
  "cancelDownload",
  "fatal",
]);

export class ActionPerformer {
  readonly #directory: string;
  readonly #modules: ActionPerformerModules;
  #actions: Action[] = [];
  #isPerforming = false;

  /** `directory`: of the metadata log. */
  constructor({ directory }: { readonly directory: string }, modules: ActionPerformerModules) {
    this.#directory = directory;
    this.#modules = modules;
  }

  /** Performs actions in order; those that further events give rise to come behind. False when the quorum's state could not be written. */
  perform(actions: readonly Action[]): boolean {
    for (const action of actions) this.#actions.push(action);
    if (this.#isPerforming) return true;
    this.#isPerforming = true;
    let isWritten = true;
    try {
      for (let next = this.#actions.shift(); next !== undefined; next = this.#actions.shift()) {
        if (!this.#modules.isRunning()) {
          this.#actions = [];
          return false;
        }
        if (next.type !== "persist") this.#modules.act(next);
        else if (!this.#persist(next.state)) {
          isWritten = false;
          // Nothing leaves this node for a state that is not durable; those within are told all the same.
          this.#actions = this.#actions.filter(({ type }) => WITHIN.has(type));
          this.#actions.push(...this.#modules.stateNotWritten());
        }
      }
    } catch (error) {
      this.#actions = [];
      this.#modules.onFault(error as Error);
      return false;
    } finally {
      this.#isPerforming = false;
    }
    this.#modules.done();
    return isWritten;
  }

  /** False when there is no space; any other failure is final. */
  #persist(state: QuorumState): boolean {
    const { disk, logger, voters } = this.#modules;
    const { kraftVersion, ids } = voters();
    try {
      writeQuorumState(disk, this.#directory, state, kraftVersion, ids);
      return true;
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== "ENOSPC") throw error;
      logger.error("raft.state-not-written", { error: error.message, epoch: state.leaderEpoch });
      return false;
    }
  }
}
