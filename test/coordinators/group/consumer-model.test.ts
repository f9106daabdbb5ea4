/**
 * Random histories of a consumer group against the rules it lives by; those in which it changes to the classic protocol and back have a test of their
 * own. A failure names its seed: `SEED=… npx mocha …` repeats it.
 */
import { History } from "../support/consumer-history.ts";

const HISTORIES = Number(process.env.HISTORIES ?? 1_000);

describe(`consumer group in ${HISTORIES} random histories`, () => {
  it("never has a partition in two hands, comes to rest, and has a log that tells it all", async function () {
    this.timeout(60_000 + HISTORIES * 100);
    const seeds = process.env.SEED
      ? [process.env.SEED]
      : Array.from({ length: HISTORIES }, (_, seed) => `consumer-${seed}`);
    for (const seed of seeds) {
      try {
        await new History(seed).run();
      } catch (error) {
        (error as Error).message = `SEED=${seed}: ${(error as Error).message}`;
        throw error;
      }
    }
  });
});
