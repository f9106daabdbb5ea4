/**
 * Three replicas under faults, by seed: see `model/run.ts`. `TEST_REPLICATION_SEEDS=1-2000` runs more than the few of every day, and one seed alone
 * repeats a failure.
 */
import { run } from "./model/run.ts";

const [from = 1, to = from] = (process.env.TEST_REPLICATION_SEEDS ?? "1-40").split("-").map(Number);

describe("replication of a partition under faults", function () {
  this.timeout(0);

  it(`keeps what was committed, and converges, in seeds ${from} to ${to}`, async () => {
    for (let seed = from; seed <= to; seed += 1) {
      try {
        await run({ seed });
      } catch (error) {
        throw new Error(`TEST_REPLICATION_SEEDS=${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
