/** Undoes a start, the last step first. */
import type { Logger } from "../logging/index.ts";

/** A step's undoing. It is told whether the node's state is sound; when not, nothing may be written that says so. */
export type Undo = (isSound: boolean) => unknown;

export class Teardown {
  readonly #logger: Logger;
  readonly #steps: Undo[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  push(undo: Undo): void {
    this.#steps.push(undo);
  }

  /** Runs all steps, whether or not some fail. `isSound` is asked before each. */
  async run(isSound: () => boolean): Promise<void> {
    for (let undo = this.#steps.pop(); undo !== undefined; undo = this.#steps.pop()) {
      try {
        await undo(isSound());
      } catch (error) {
        this.#logger.error("broker.stop-failed", { error });
      }
    }
  }
}
