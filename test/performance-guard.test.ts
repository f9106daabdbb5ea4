/** Requests must not come to cost more memory than they do: a guard that measures no time, and so holds on a busy machine. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { Allocation, Allocations } from "./performance-guard/scenario.ts";

const SCENARIO = fileURLToPath(new URL("./performance-guard/scenario.ts", import.meta.url));
/** A nursery that holds all that the scenario allocates: nothing is collected while it counts. */
const FLAGS = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"];

/**
 * What was counted when these were set, and a third on top for what differs between versions of V8. Raise one only with a reason: at 100,000
 * requests a second each kilobyte is 100 MB a second for the garbage collector.
 */
const BOUNDS: Readonly<Record<keyof Allocations, Allocation>> = {
  "produce one record": { heapBytes: 4600, bufferBytes: 100 },
  "produce ten records": { heapBytes: 4600, bufferBytes: 100 },
  // The megabyte itself comes from a pool.
  "fetch a megabyte from a file": { heapBytes: 9000, bufferBytes: 400 },
};

describe("the memory that a broker allocates for a request", function () {
  this.timeout(60_000);
  let allocations: Allocations;

  before(() => {
    allocations = JSON.parse(execFileSync(process.execPath, [...FLAGS, SCENARIO], { encoding: "utf8" }));
  });

  for (const [name, bound] of Object.entries(BOUNDS)) {
    it(`stays within its bound for: ${name}`, () => {
      const { heapBytes, bufferBytes } = allocations[name as keyof Allocations];
      expect(heapBytes, "bytes on the heap a request").to.be.within(1, bound.heapBytes);
      expect(bufferBytes, "bytes of new buffers a request").to.be.at.most(bound.bufferBytes);
    });
  }
});
