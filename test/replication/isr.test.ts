import { expect } from "chai";
import { FollowerProgress } from "../../src/replication/follower-progress.ts";
import { nextHighWatermark } from "../../src/replication/high-watermark.ts";
import {
  type BrokerFacts,
  expansion,
  type IsrState,
  isEligible,
  maximalIsr,
  reduction,
} from "../../src/replication/isr.ts";
import { selectByRack } from "../../src/replication/replica-selector.ts";
import { truncationOffset } from "../../src/replication/truncation.ts";

const ALIVE: BrokerFacts = { epoch: 7, fenced: false, inControlledShutdown: false };
const NO_CHANGE: IsrState = { committed: [1], pending: null };

/** A follower that fetched from `endOffset` at `nowMs`, when the leader ended at `leaderEndOffset`. */
function follower(id: number, endOffset: number, { leaderEndOffset = endOffset, nowMs = 0, brokerEpoch = 7 } = {}) {
  const progress = new FollowerProgress(id, { isInSync: false, nowMs: 0 });
  progress.fetched({ fetchOffset: endOffset, logStartOffset: 0, brokerEpoch }, leaderEndOffset, nowMs);
  return progress;
}

describe("ISR", () => {
  it("counts with both sets while a change is pending: with the larger", () => {
    expect(maximalIsr({ committed: [1, 2], pending: null })).to.deep.equal([1, 2]);
    expect(maximalIsr({ committed: [1], pending: { kind: "expand", isr: [1, 2] } })).to.deep.equal([1, 2]);
    expect(maximalIsr({ committed: [1, 2], pending: { kind: "shrink", isr: [1] } })).to.deep.equal([1, 2]);
  });

  describe("expansion", () => {
    const facts = { highWatermark: 10, epochStartOffset: 5, broker: ALIVE };

    it("lets in who has all below the high watermark and the start of the leader's epoch", () => {
      expect(expansion(NO_CHANGE, follower(2, 10), facts)).to.deep.equal({ kind: "expand", isr: [1, 2] });
      expect(expansion(NO_CHANGE, follower(2, 9), facts)).to.equal(null);
      expect(expansion(NO_CHANGE, follower(2, 10), { ...facts, epochStartOffset: 11 })).to.equal(null);
      expect(expansion(NO_CHANGE, follower(2, 11), { ...facts, epochStartOffset: 11 })).to.not.equal(null);
    });

    it("lets in nobody who is fenced, stopping, unknown, or another process than the one that fetched", () => {
      for (const broker of [
        undefined,
        { ...ALIVE, fenced: true },
        { ...ALIVE, inControlledShutdown: true },
        { ...ALIVE, epoch: 8 },
      ])
        expect(expansion(NO_CHANGE, follower(2, 10), { ...facts, broker })).to.equal(null);
      expect(isEligible(ALIVE, -1), "a follower that does not tell its epoch").to.equal(true);
    });

    it("waits while a change is pending, and does not repeat itself", () => {
      const pending = { kind: "expand", isr: [1, 3] } as const;
      expect(expansion({ committed: [1], pending }, follower(2, 10), facts)).to.equal(null);
      expect(expansion({ committed: [1, 2], pending: null }, follower(2, 10), facts)).to.equal(null);
    });
  });

  describe("reduction", () => {
    const state: IsrState = { committed: [1, 2, 3], pending: null };
    const facts = { leaderEndOffset: 20, nowMs: 1_000, lagTimeMaxMs: 300 };

    it("removes who has not been caught up for so long, and nobody who is", () => {
      const late = follower(2, 10, { nowMs: 600 });
      const recent = follower(3, 15, { nowMs: 800 });
      expect(reduction(state, [late, recent], facts)).to.deep.equal({ kind: "shrink", isr: [1, 3] });
      const idle = follower(2, 20, { nowMs: 0 });
      expect(reduction(state, [idle, recent], facts), "nothing new since").to.equal(null);
    });

    it("waits while a change is pending", () => {
      const pending = { kind: "shrink", isr: [1, 3] } as const;
      expect(reduction({ ...state, pending }, [follower(2, 0, { leaderEndOffset: 9 })], facts)).to.equal(null);
    });

    it("gives members of a new leader's ISR their time to fetch", () => {
      const member = new FollowerProgress(2, { isInSync: true, nowMs: 800 });
      expect(reduction({ committed: [1, 2], pending: null }, [member], facts)).to.equal(null);
      expect(reduction({ committed: [1, 2], pending: null }, [member], { ...facts, nowMs: 1_200 })).to.not.equal(null);
    });
  });
});

describe("FollowerProgress", () => {
  it("is caught up who has what the leader had a fetch ago: a round trip behind is not late", () => {
    const progress = new FollowerProgress(2, { isInSync: false, nowMs: 0 });
    const fetch = (fetchOffset: number, leaderEndOffset: number, nowMs: number) =>
      progress.fetched({ fetchOffset, logStartOffset: 0, brokerEpoch: 1 }, leaderEndOffset, nowMs);
    fetch(0, 10, 1_000);
    expect(progress.isCaughtUp(10, 1_100, 500)).to.equal(false);
    fetch(10, 20, 2_000);
    expect(progress.isCaughtUp(20, 1_400, 500), "as it was at the fetch before").to.equal(true);
    expect(progress.isCaughtUp(20, 1_600, 500)).to.equal(false);
    fetch(15, 30, 3_000);
    expect(progress.isCaughtUp(30, 3_000, 500), "it did not get to 20").to.equal(false);
    expect(progress.isCaughtUp(15, 9_000, 500), "it has everything").to.equal(true);
  });
});

describe("high watermark", () => {
  const followers = [follower(2, 8), follower(3, 5)];
  const facts = { current: 3, flushedOffset: 10, isUnderMinIsr: false, followers };

  it("is the smallest flushed end of those that count", () => {
    expect(nextHighWatermark({ ...facts, counts: () => true })).to.equal(5);
    expect(nextHighWatermark({ ...facts, counts: ({ id }) => id === 2 })).to.equal(8);
    expect(nextHighWatermark({ ...facts, counts: () => false })).to.equal(10);
    expect(nextHighWatermark({ ...facts, flushedOffset: 4, counts: () => true }), "the leader's too").to.equal(4);
  });

  it("never goes back, nor on while the ISR is too small, nor before all were heard of", () => {
    expect(nextHighWatermark({ ...facts, current: 7, counts: () => true })).to.equal(7);
    expect(nextHighWatermark({ ...facts, isUnderMinIsr: true, counts: () => true })).to.equal(3);
    const unheard = new FollowerProgress(4, { isInSync: true, nowMs: 0 });
    expect(nextHighWatermark({ ...facts, followers: [...followers, unheard], counts: () => true })).to.equal(3);
  });
});

describe("truncationOffset", () => {
  const end = (leaderEpoch: number, endOffset: number) => ({ leaderEpoch, endOffset });

  it("is where the shared epoch ended first", () => {
    expect(truncationOffset(end(3, 20), end(3, 30), 40)).to.equal(20);
    expect(truncationOffset(end(3, 30), end(3, 20), 40)).to.equal(20);
    expect(truncationOffset(end(3, 30), end(3, 30), 25), "no further than the log").to.equal(25);
  });

  it("is where an older epoch ended here, when the leader's is not known here", () => {
    expect(truncationOffset(end(2, 8), end(1, 10), 20)).to.equal(10);
  });

  it("is what the leader says where nothing is known", () => {
    expect(truncationOffset(end(2, 8), end(-1, -1), 20)).to.equal(8);
  });
});

describe("selectByRack", () => {
  const replicas = [
    { id: 2, rack: "b", endOffset: 5 },
    { id: 3, rack: "b", endOffset: 9 },
    { id: 4, rack: "c", endOffset: 9 },
  ];

  it("takes the follower in the consumer's rack that has most", () => {
    expect(selectByRack("b", "a", replicas)).to.equal(3);
    expect(selectByRack("c", "a", replicas)).to.equal(4);
  });

  it("stays with the leader in its own rack, in a rack of nobody, and for a consumer that does not say", () => {
    expect(selectByRack("a", "a", replicas)).to.equal(null);
    expect(selectByRack("d", "a", replicas)).to.equal(null);
    expect(selectByRack("", null, replicas)).to.equal(null);
  });
});
