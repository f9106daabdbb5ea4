import { expect } from "chai";
import { MemoryDisk } from "../../src/platform/memory-disk.ts";
import {
  decodeQuorumState,
  encodeQuorumState,
  readQuorumState,
  writeQuorumState,
} from "../../src/raft/quorum-state.ts";
import { kafkaFile } from "./support/kafka-files.ts";

const NO_VOTE = "AAAAAAAAAAAAAAAAAAAAAA";

describe("quorum-state", () => {
  it("is byte for byte the file that Kafka writes", () => {
    const text = kafkaFile("__cluster_metadata-0/quorum-state").toString("utf8");
    const state = { leaderId: 1, leaderEpoch: 1, votedId: -1, votedDirectoryId: NO_VOTE };
    expect(decodeQuorumState(text)).to.deep.equal(state);
    expect(encodeQuorumState(state, 1, [])).to.equal(text);
  });

  it("of kraft.version 0 lists the voters and knows no directories", () => {
    const state = { leaderId: 2, leaderEpoch: 7, votedId: 2, votedDirectoryId: NO_VOTE };
    const text = encodeQuorumState(state, 0, [1, 2]);
    expect(text).to.equal(
      '{"clusterId":"","leaderId":2,"leaderEpoch":7,"votedId":2,"appliedOffset":0,"currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}',
    );
    expect(decodeQuorumState(text)).to.deep.equal(state);
  });

  it("is replaced as a whole, whenever the machine goes down", () => {
    const disk = new MemoryDisk();
    disk.makeDirectory("/log");
    const state = (leaderEpoch: number) => ({ leaderId: 1, leaderEpoch, votedId: -1, votedDirectoryId: NO_VOTE });
    writeQuorumState(disk, "/log", state(1), 1, [1]);
    disk.syncDirectory("/");
    let seen = 0;
    disk.onOperation = () => {
      const epoch = readQuorumState(disk.survivor(), "/log")?.leaderEpoch;
      expect(epoch).to.be.oneOf([1, 2]);
      seen += 1;
    };
    writeQuorumState(disk, "/log", state(2), 1, [1]);
    disk.onOperation = null;
    expect(seen).to.be.greaterThan(3);
    expect(readQuorumState(disk.survivor(), "/log")?.leaderEpoch).to.equal(2);
  });

  it("is null before the first election", () => {
    const disk = new MemoryDisk();
    disk.makeDirectory("/log");
    expect(readQuorumState(disk, "/log")).to.equal(null);
  });

  const broken: Record<string, string> = {
    "an empty file": "",
    "half a file": '{"leaderId":1,"leaderEpoch":1,',
    "another JSON value": "[]",
    "a later format":
      '{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":2}',
    "no epoch": '{"leaderId":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}',
    "a negative epoch":
      '{"leaderId":1,"leaderEpoch":-1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}',
    "a fractional epoch":
      '{"leaderId":1,"leaderEpoch":1.5,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}',
    "no directory id": '{"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":1}',
  };
  for (const [what, text] of Object.entries(broken)) {
    it(`refuses ${what}`, () => {
      expect(() => decodeQuorumState(text)).to.throw(/quorum-state/);
    });
  }
});
