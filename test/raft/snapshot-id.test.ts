import { expect } from "chai";
import {
  compareSnapshotIds,
  isSnapshotLeftover,
  parseSnapshotFileName,
  partialSnapshotFileName,
  snapshotFileName,
} from "../../src/raft/snapshot-id.ts";

describe("snapshot file names", () => {
  it("are those of Kafka", () => {
    expect(snapshotFileName({ endOffset: 308, epoch: 1 })).to.equal("00000000000000000308-0000000001.checkpoint");
    expect(parseSnapshotFileName("00000000000000000308-0000000001.checkpoint")).to.deep.equal({
      endOffset: 308,
      epoch: 1,
    });
  });

  it("are told from other files of a log directory", () => {
    for (const name of ["00000000000000000308.log", "quorum-state", "308-1.checkpoint", "bootstrap.checkpoint"]) {
      expect(parseSnapshotFileName(name), name).to.equal(null);
      expect(isSnapshotLeftover(name), name).to.equal(false);
    }
  });

  it("while written are leftovers, never snapshots", () => {
    const name = partialSnapshotFileName({ endOffset: 308, epoch: 1 }, 77);
    expect(parseSnapshotFileName(name)).to.equal(null);
    expect(isSnapshotLeftover(name)).to.equal(true);
    expect(isSnapshotLeftover("00000000000000000308-0000000001.checkpoint.deleted")).to.equal(true);
  });

  it("order by end offset, then epoch", () => {
    const ids = [
      { endOffset: 10, epoch: 2 },
      { endOffset: 9, epoch: 3 },
      { endOffset: 10, epoch: 1 },
    ];
    expect(ids.sort(compareSnapshotIds).map(({ endOffset, epoch }) => `${endOffset}-${epoch}`)).to.deep.equal([
      "9-3",
      "10-1",
      "10-2",
    ]);
  });
});
