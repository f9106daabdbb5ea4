/** Undoes a start, the last step first. */
import type { Logger } from "../logging/index.ts";
import { BrokerStartError } from "./supported.ts";

/** A step's undoing. It is told whether the node's state is sound; when not, nothing may be written that says so. */
export type Undo = (isSound: boolean) => unknown;

export class Teardown {
  readonly #logger: Logger;
  readonly #steps: Undo[] = [];
  #running: Promise<void> | null = null;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Notes how to undo a step that has been taken. Throws, with the step undone, when everything is being undone already. */
  push(undo: Undo): void {
    if (this.#running === null) {
      this.#steps.push(undo);
      return;
    }
    this.#running = this.#running.then(() => this.#undo(undo, false));
    throw new BrokerStartError("the node was stopped while it started");
  }

  /** Runs all steps once, whether or not some fail; `isSound` is asked before each. Resolves when all are done, whoever began it. */
  async run(isSound: () => boolean): Promise<void> {
    this.#running ??= this.#undoAll(isSound);
    let awaited: Promise<void> | null = null;
    // A start that is still under way may add to what there is to undo.
    while (awaited !== this.#running) {
      awaited = this.#running;
      await awaited;
    }
  }

  async #undoAll(isSound: () => boolean): Promise<void> {
    for (let undo = this.#steps.pop(); undo !== undefined; undo = this.#steps.pop()) await this.#undo(undo, isSound());
  }

  async #undo(undo: Undo, isSound: boolean): Promise<void> {
    try {
      await undo(isSound);
    } catch (error) {
      this.#logger.error("broker.stop-failed", { error });
    }
  }
}
