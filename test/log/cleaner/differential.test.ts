/**
 * The cleaner against a naive one, over thousands of random histories: keys, tombstones, records without keys, several producers with sequences,
 * transactions committed, aborted and open, all codecs, time passing, a map too small for all keys, cleanings one after the other, and power
 * failures in the middle of them. After each, what consumers of committed records see must follow from what was written.
 */
import { expect } from "chai";
import fc from "fast-check";
import { historyArbitrary, playHistory } from "./support/history.ts";

const HISTORIES = Number(process.env.TEST_CLEANER_HISTORIES ?? 5000);
/** Test processes run side by side: a part of the histories each would help only with a file each. */
const SEED = Number(process.env.TEST_CLEANER_SEED ?? 20_261_121);

describe("the cleaner", function () {
  this.timeout(180_000);

  it(`leaves what a naive cleaner leaves, and readers what was committed (${HISTORIES} histories)`, async () => {
    let comparedCount = 0;
    await fc.assert(
      fc.asyncProperty(historyArbitrary, async history => {
        comparedCount += await playHistory(history);
      }),
      { numRuns: HISTORIES, seed: SEED },
    );
    expect(comparedCount).to.be.greaterThan(HISTORIES);
  });
});
