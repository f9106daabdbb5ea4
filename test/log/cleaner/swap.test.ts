/** A power failure at every disk operation of a cleaning that merges segments and replaces a transaction index. */
import { expect } from "chai";
import { ALL_SURVIVES, type History, NOTHING_SURVIVES, playHistory, type Step } from "./support/history.ts";

/** More than the cleaning takes. */
const OPERATIONS = 130;
/** Some in the middle of swaps. */
const OPERATIONS_OF_SWAPS = [34, 39, 45, 62, 66, 70, 93, 97, 101, 104];
/** Where a start removes and renames files. */
const FIRST_OPERATION_OF_START = 16;
const LAST_OPERATION_OF_START = 50;
const SEEDS = [NOTHING_SURVIVES, ALL_SURVIVES, 1, 2, 3, 4, 5, 6];
const SEEDS_OF_STARTS = [1, 2, 3];

const record = (key: number, isTombstone = false) => ({ key, isTombstone, hasHeader: true });
const produce = (producer: number, ...keys: number[]): Step => ({
  kind: "produce",
  producer,
  codec: 0,
  records: keys.map(key => record(Math.abs(key), key < 0)),
});
const roll: Step = { kind: "roll" };

/** Two rounds. The second one drops the first batches, so that indexes of before and after differ, and the last of an aborted transaction. */
const STEPS: Step[] = [
  { kind: "begin", producer: 0, bumpsEpoch: false },
  produce(0, 1, 2, 3),
  produce(1, 11, 12),
  produce(1, 13),
  produce(1, 14, 15),
  { kind: "abort", producer: 0, bumpsEpoch: false },
  roll,
  produce(1, 1, -2, 4),
  produce(1, 7, 8),
  produce(-1, 5, 5, 6),
  roll,
  { kind: "clean", mapSlots: 100, lag: 0 },
  { kind: "begin", producer: 0, bumpsEpoch: false },
  produce(0, 4, 5),
  { kind: "commit", producer: 0, bumpsEpoch: false },
  produce(1, 6, -1),
  produce(1, 11, 12, 13),
  roll,
  produce(-1, 3),
  roll,
  { kind: "wait", milliseconds: 60 },
];

describe("a cleaning that a power failure ends", function () {
  this.timeout(60_000);

  for (const seed of SEEDS) {
    const kind = seed === NOTHING_SURVIVES ? "nothing" : seed === ALL_SURVIVES ? "all" : `a random part (seed ${seed})`;
    it(`at any operation leaves a whole log when ${kind} of the unsynced work survives`, async () => {
      for (let operations = 1; operations <= OPERATIONS; operations += 1) await crash(operations, null, seed);
    });
  }

  for (const seed of SEEDS_OF_STARTS) {
    it(`leaves a whole log when the start after it fails, too (seed ${seed})`, async () => {
      for (const operations of OPERATIONS_OF_SWAPS) {
        for (let start = FIRST_OPERATION_OF_START; start <= LAST_OPERATION_OF_START; start += 1)
          await crash(operations, start, seed);
      }
    });
  }
});

async function crash(afterOperations: number, afterOperationsOfStart: number | null, seed: number): Promise<void> {
  const history: History = {
    steps: [...STEPS, { kind: "crash", mapSlots: 100, afterOperations, afterOperationsOfStart, seed }],
    keylessRecords: 0,
    isAppendTime: false,
    minCompactionLagMs: 0,
  };
  try {
    expect(await playHistory(history)).to.be.greaterThan(0);
  } catch (error) {
    const when = `after ${afterOperations} operations, and ${afterOperationsOfStart} of the start`;
    throw new Error(`${when}: ${(error as Error).message}`, { cause: error });
  }
}
