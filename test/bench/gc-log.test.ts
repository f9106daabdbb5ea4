import { expect } from "chai";
import { GcLog } from "../../bench/gc-log.ts";

const SCAVENGE =
  "[1:0x1]  456 ms: Scavenge 12.1 (20.0) -> 8.3 (21.0) MB, pooled: 0 MB, 1.10 / 0.00 ms  (average mu = 0.9) task;\n";
const MARK_COMPACT =
  "[1:0x1]  789 ms: Mark-Compact 30.1 (40.0) -> 20.0 (38.0) MB, pooled: 2 MB, 2.00 / 0.00 ms  (+ 9.0 ms in 12 steps since start of marking, biggest step 2.5 ms, walltime since start of marking 20 ms) (average mu = 0.9) finalize incremental marking via stack guard; GC in old space requested\n";

describe("GcLog", () => {
  it("adds up pauses and steps, and finds the longest of both", () => {
    const log = new GcLog();
    log.take(SCAVENGE + MARK_COMPACT);
    const { count, longestMs, totalMs } = log.reset();
    expect(count).to.equal(2);
    expect(longestMs).to.equal(2.5);
    expect(totalMs).to.be.closeTo(12.1, 1e-9);
  });

  it("takes lines in pieces, passes over others, and forgets at a reset", () => {
    const log = new GcLog();
    log.take(`Samsa is ready\n${SCAVENGE.slice(0, 40)}`);
    expect(log.reset().count).to.equal(0);
    log.take(SCAVENGE.slice(40));
    expect(log.reset()).to.deep.equal({ count: 1, longestMs: 1.1, totalMs: 1.1 });
    expect(log.reset().count).to.equal(0);
  });
});
