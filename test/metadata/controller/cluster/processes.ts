/** What the histories are made of: brokers' machines, and work of the controller that others come between. */
import type { Step } from "../../../../src/metadata/controller/memberships.ts";
import type { Operation } from "../../../../src/metadata/controller/operation.ts";

/** A broker's machine and the process on it. */
export interface Machine {
  readonly id: number;
  isUp: boolean;
  /** Of the registration that the process knows; -1 before. */
  epoch: number;
  /** Those of the processes before. */
  readonly pastEpochs: number[];
  incarnation: number;
  /** Online log directories of the process. */
  dirs: string[];
  offline: string[];
  /** Epoch of the registration under which it last stopped cleanly; -1 after any other end. */
  cleanEpoch: number;
  isStopping: boolean;
  isRegistering: boolean;
}

/** Something that takes several decisions, with others in between. */
export type Task = Generator<Operation<unknown>, void, never>;

/** Runs `first`, and where that was not the last step, `rest` until one is, as the supervisor does. */
export function* steps(first: Operation<Step>, rest: Operation<Step> = first): Task {
  let { isLast } = (yield first) as Step;
  while (!isLast) ({ isLast } = (yield rest) as Step);
}
