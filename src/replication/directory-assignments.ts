/**
 * Tells the controller in which of this broker's log directories each replica is (AssignReplicasToDirs, KIP-858), so that it knows what is lost with a
 * directory that fails. What is told is what the metadata does not say yet, all of a tick in one request; it is told again until the metadata says it.
 *
 * A broker with one log directory has nothing to tell: the controller knows it from the registration.
 */
import { AssignReplicasToDirs } from "../../protocol/apis/73-assign-replicas-to-dirs.ts";
import { ApiError, Errors, errorName } from "../../protocol/errors.ts";
import type { Logger } from "../logging/index.ts";
import type { ControllerChannel } from "../metadata/controller-channel.ts";
import type { Timer, Timers } from "../platform/platform.ts";

export interface DirectoryAssignmentsOptions {
  readonly nodeId: number;
  readonly requestTimeoutMs: number;
}

export interface DirectoryAssignmentsModules {
  readonly channel: Pick<ControllerChannel, "request">;
  /** The epoch of this broker's process; -1 while it is not registered. */
  readonly brokerEpoch: () => number;
  readonly timers: Timers;
  readonly logger: Logger;
}

interface Assignment {
  readonly topicId: string;
  readonly index: number;
  readonly directoryId: string;
}

/** Time for others to share a request; Kafka's wait after a failure too. */
const LINGER_MS = 500;
/** Partitions in one request: it is one change of the metadata. */
const MAX_ASSIGNMENTS = 2_250;

export class DirectoryAssignments {
  readonly #options: DirectoryAssignmentsOptions;
  readonly #modules: DirectoryAssignmentsModules;
  readonly #untold = new Map<string, Assignment>();
  #timer: Timer | null = null;
  #isInFlight = false;
  #isClosed = false;

  constructor(options: DirectoryAssignmentsOptions, modules: DirectoryAssignmentsModules) {
    this.#options = options;
    this.#modules = modules;
  }

  get untoldCount(): number {
    return this.#untold.size;
  }

  /** The replica is in `actual`; the metadata says `known`. */
  noted(topicId: string, index: number, actual: string | null, known: string | undefined): void {
    const key = `${topicId}:${index}`;
    if (actual === null || actual === known) {
      this.#untold.delete(key);
      return;
    }
    this.#untold.set(key, { topicId, index, directoryId: actual });
    this.#schedule();
  }

  /** The partition is not here any more. */
  forget(topicId: string, index: number): void {
    this.#untold.delete(`${topicId}:${index}`);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.clear();
    this.#untold.clear();
  }

  #schedule(): void {
    if (this.#timer !== null || this.#isInFlight || this.#isClosed) return;
    this.#timer = this.#modules.timers.after(LINGER_MS, () => {
      this.#timer = null;
      this.#send();
    });
  }

  #send(): void {
    const { channel, brokerEpoch, logger } = this.#modules;
    if (this.#untold.size === 0 || this.#isClosed) return;
    const told = [...this.#untold.values()].slice(0, MAX_ASSIGNMENTS);
    const body = { brokerId: this.#options.nodeId, brokerEpoch: brokerEpoch(), directories: byDirectory(told) };
    this.#isInFlight = true;
    channel
      .request(AssignReplicasToDirs, body, { timeoutMs: this.#options.requestTimeoutMs })
      .then(
        ({ errorCode }) => {
          if (errorCode !== Errors.NONE) logger.warn("directories.not-told", { error: errorName(errorCode) });
        },
        (error: unknown) => {
          if (!(error instanceof ApiError)) throw error;
          logger.warn("directories.not-told", { error: error.message });
        },
      )
      .finally(() => {
        this.#isInFlight = false;
        // The metadata takes from the list what is settled.
        if (this.#untold.size > 0) this.#schedule();
      });
  }
}

function byDirectory(assignments: readonly Assignment[]) {
  return [...Map.groupBy(assignments, ({ directoryId }) => directoryId)].map(([id, inDirectory]) => ({
    id,
    topics: [...Map.groupBy(inDirectory, ({ topicId }) => topicId)].map(([topicId, partitions]) => ({
      topicId,
      partitions: partitions.map(({ index }) => ({ partitionIndex: index })),
    })),
  }));
}
