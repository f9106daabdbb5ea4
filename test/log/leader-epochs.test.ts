import { expect } from "chai";
import { LeaderEpochs } from "../../src/log/leader-epochs.ts";

describe("LeaderEpochs", () => {
  const epochs = (): LeaderEpochs =>
    new LeaderEpochs([
      { epoch: 2, startOffset: 10 },
      { epoch: 4, startOffset: 20 },
      { epoch: 5, startOffset: 30 },
    ]);

  it("answers where an epoch ended", () => {
    const known = epochs();
    expect(known.endOffsetFor(5, 42)).to.deep.equal({ leaderEpoch: 5, endOffset: 42 });
    expect(known.endOffsetFor(4, 42)).to.deep.equal({ leaderEpoch: 4, endOffset: 30 });
    expect(known.endOffsetFor(3, 42)).to.deep.equal({ leaderEpoch: 2, endOffset: 20 });
    expect(known.endOffsetFor(1, 42)).to.deep.equal({ leaderEpoch: 1, endOffset: 10 });
    expect(known.endOffsetFor(6, 42)).to.deep.equal({ leaderEpoch: -1, endOffset: -1 });
    expect(known.endOffsetFor(-1, 42)).to.deep.equal({ leaderEpoch: -1, endOffset: -1 });
    expect(new LeaderEpochs().endOffsetFor(0, 0)).to.deep.equal({ leaderEpoch: -1, endOffset: -1 });
  });

  it("answers which epoch an offset has", () => {
    expect([5, 10, 19, 20, 30, 99].map(offset => epochs().epochFor(offset))).to.deep.equal([-1, 2, 2, 4, 5, 5]);
  });

  it("drops entries that a new one contradicts", () => {
    const known = epochs();
    expect(known.assign(5, 31)).to.equal(false);
    expect(known.assign(6, 20)).to.equal(true);
    expect(known.entries).to.deep.equal([
      { epoch: 2, startOffset: 10 },
      { epoch: 6, startOffset: 20 },
    ]);
  });

  it("is cut at the end with the log", () => {
    const known = epochs();
    expect(known.truncateFromEnd(31)).to.equal(false);
    expect(known.truncateFromEnd(30)).to.equal(true);
    expect(known.latestEpoch).to.equal(4);
  });

  it("begins with the log start", () => {
    const known = epochs();
    expect(known.truncateFromStart(5)).to.equal(false);
    expect(known.truncateFromStart(10)).to.equal(false);
    expect(known.truncateFromStart(25)).to.equal(true);
    expect(known.entries).to.deep.equal([
      { epoch: 4, startOffset: 25 },
      { epoch: 5, startOffset: 30 },
    ]);
    expect(known.truncateFromStart(30)).to.equal(true);
    expect(known.entries).to.deep.equal([{ epoch: 5, startOffset: 30 }]);
  });
});
