import { expect } from "chai";
import { type CleaningLogFacts, dirtiest, planCleaning } from "../../../src/log/cleaner/cleaning-plan.ts";
import { groupSegments } from "../../../src/log/cleaner/segment-groups.ts";

const NOW_MS = 10_000;

const segment = (baseOffset: number, timestamp = 0, sizeBytes = 100) => ({
  ...{ baseOffset, sizeBytes },
  retentionTimestamp: timestamp,
  firstTimestamp: timestamp,
});

const facts = (overrides: Partial<CleaningLogFacts> = {}): CleaningLogFacts => ({
  segments: [segment(0), segment(10), segment(20), segment(30)],
  logStartOffset: 0,
  logEndOffset: 35,
  lastStableOffset: 35,
  cleanedOffset: null,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  minCleanableDirtyRatio: 0.5,
  ...overrides,
});

describe("planCleaning", () => {
  it("covers all but the active segment of a log that was never cleaned", () => {
    expect(planCleaning(facts(), NOW_MS)).to.include({
      ...{ firstDirtyOffset: 0, segmentCount: 3, endOffset: 30, cleanBytes: 0, dirtyBytes: 300 },
      ...{ dirtyRatio: 1, isDue: true },
    });
  });

  it("is due above the dirty ratio only", () => {
    expect(planCleaning(facts({ cleanedOffset: 20 }), NOW_MS)).to.include({ dirtyBytes: 100, isDue: false });
    expect(planCleaning(facts({ cleanedOffset: 10 }), NOW_MS)).to.include({ dirtyBytes: 200, isDue: true });
    const half = facts({ segments: [segment(0), segment(10), segment(20)], cleanedOffset: 10 });
    expect(planCleaning(half, NOW_MS)).to.include({ dirtyRatio: 0.5, isDue: false });
  });

  it("has nothing to do for a log that is clean", () => {
    expect(planCleaning(facts({ cleanedOffset: 30 }), NOW_MS)).to.equal(null);
    expect(planCleaning(facts({ segments: [segment(0)] }), NOW_MS)).to.equal(null);
  });

  it("ends before the segment that holds the last stable offset", () => {
    expect(planCleaning(facts({ lastStableOffset: 29 }), NOW_MS)).to.include({ segmentCount: 2, endOffset: 20 });
    expect(planCleaning(facts({ lastStableOffset: 30 }), NOW_MS)).to.include({ segmentCount: 3, endOffset: 30 });
    expect(planCleaning(facts({ lastStableOffset: 5 }), NOW_MS)).to.equal(null);
  });

  it("ends before records younger than the lag", () => {
    const segments = [segment(0, 5000), segment(10, 9500), segment(20, 6000), segment(30)];
    expect(planCleaning(facts({ segments, minCompactionLagMs: 1000 }), NOW_MS)).to.include({ endOffset: 10 });
    expect(planCleaning(facts({ segments, minCompactionLagMs: 400 }), NOW_MS)).to.include({ endOffset: 30 });
  });

  it("is due, whatever the ratio, once a dirty record has waited too long", () => {
    const segments = [segment(0, 1000), segment(10, 1000), segment(20, 4000), segment(30)];
    const waiting = facts({ segments, cleanedOffset: 20, maxCompactionLagMs: 6000 });
    expect(planCleaning(waiting, NOW_MS)).to.include({ isOverdue: false, isDue: false });
    expect(planCleaning(waiting, NOW_MS + 1)).to.include({ isOverdue: true, isDue: true });
  });

  for (const cleanedOffset of [3, 40]) {
    it(`begins at the log start when the checkpoint, ${cleanedOffset}, lies outside of the log`, () => {
      expect(planCleaning(facts({ cleanedOffset, logStartOffset: 5 }), NOW_MS)).to.include({ firstDirtyOffset: 5 });
    });
  }
});

describe("dirtiest", () => {
  it("is the log with the largest dirty share among those that are due", () => {
    const plans = [facts({ cleanedOffset: 10 }), facts(), facts({ cleanedOffset: 20 })];
    const candidates = plans.map((each, index) => ({ index, plan: planCleaning(each, NOW_MS)! }));
    expect(dirtiest(candidates)?.index).to.equal(1);
    expect(dirtiest(candidates.slice(2))).to.equal(null);
  });
});

describe("groupSegments", () => {
  const sized = (baseOffset: number, sizeBytes: number, offsetIndexBytes = 8, timeIndexBytes = 12) => ({
    ...{ baseOffset, sizeBytes, offsetIndexBytes, timeIndexBytes },
  });
  const limits = { segmentSizeBytes: 100, indexSizeBytes: 1000, endOffset: 1000 };
  const bases = (groups: { baseOffset: number }[][]) => groups.map(group => group.map(({ baseOffset }) => baseOffset));

  it("fills segments up to their size", () => {
    const segments = [sized(0, 60), sized(10, 40), sized(20, 1), sized(30, 99), sized(40, 120), sized(50, 1)];
    expect(bases(groupSegments(segments, limits))).to.deep.equal([[0, 10], [20, 30], [40], [50]]);
  });

  it("minds the size of each index", () => {
    const segments = [sized(0, 1, 600, 12), sized(10, 1, 600, 12), sized(20, 1, 8, 600), sized(30, 1, 8, 600)];
    expect(bases(groupSegments(segments, limits))).to.deep.equal([[0], [10, 20], [30]]);
  });

  it("minds the offsets that an index can express, but takes in empty segments", () => {
    const far = 2 ** 31;
    const segments = [sized(0, 1), sized(far - 5, 1), sized(far + 5, 0), sized(far + 9, 1)];
    const groups = groupSegments(segments, { ...limits, endOffset: far + 10 });
    expect(bases(groups)).to.deep.equal([[0], [far - 5, far + 5, far + 9]]);
    expect(bases(groupSegments([sized(0, 1), sized(far, 0)], { ...limits, endOffset: far + 10 }))).to.deep.equal([
      [0, far],
    ]);
  });
});
