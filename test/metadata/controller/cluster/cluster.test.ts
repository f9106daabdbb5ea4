import { History } from "./history.ts";

/** `TEST_HISTORIES` and `TEST_FIRST_SEED` choose others. */
const HISTORIES = Number(process.env.TEST_HISTORIES ?? 10_000);
const FIRST_SEED = Number(process.env.TEST_FIRST_SEED ?? 1);

describe("the controller of several brokers", () => {
  it(`breaks no rule in ${HISTORIES} random histories`, function () {
    this.timeout(600_000);
    for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed += 1) {
      try {
        new History(seed).run();
      } catch (error) {
        throw new Error(`TEST_FIRST_SEED=${seed} TEST_HISTORIES=1: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
