import { expect } from "chai";
import {
  CheckpointError,
  decodeCleanShutdown,
  decodeLeaderEpochs,
  decodeOffsetCheckpoint,
  decodePartitionMetadata,
  encodeCleanShutdown,
  encodeLeaderEpochs,
  encodeOffsetCheckpoint,
  encodePartitionMetadata,
} from "../../src/log/checkpoints.ts";
import { kafkaFiles } from "./support/kafka-data.ts";

describe("checkpoint files", () => {
  it("are those of Kafka, read and written back byte for byte", () => {
    let count = 0;
    for (const [path, contents] of kafkaFiles("clean")) {
      const text = contents.toString();
      const name = path.slice(path.lastIndexOf("/") + 1);
      if (name.endsWith("-offset-checkpoint"))
        expect(encodeOffsetCheckpoint(decodeOffsetCheckpoint(text)), path).to.equal(text);
      else if (name === "leader-epoch-checkpoint")
        expect(encodeLeaderEpochs(decodeLeaderEpochs(text)), path).to.equal(text);
      else if (name === "partition.metadata")
        expect(encodePartitionMetadata(decodePartitionMetadata(text)), path).to.equal(text);
      else if (name === ".kafka_cleanshutdown")
        expect(encodeCleanShutdown(decodeCleanShutdown(text)), path).to.equal(text);
      else continue;
      count += 1;
    }
    expect(count).to.be.above(70);
  });

  it("are empty when the file is: Kafka creates them so", () => {
    expect(decodeOffsetCheckpoint("")).to.deep.equal([]);
  });

  it("are refused when the version, the count, a line or a number is wrong", () => {
    for (const text of [
      "1\n0\n",
      "0\n2\na 0 1\n",
      "0\n1\na 0\n",
      "0\n1\na 0 x\n",
      "0\n1\na 0 99999999999999999999\n",
      "0\n",
    ]) {
      expect(() => decodeOffsetCheckpoint(text), JSON.stringify(text)).to.throw(CheckpointError);
    }
    expect(() => decodePartitionMetadata("version: 1\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ")).to.throw(CheckpointError);
    expect(() => decodePartitionMetadata("version: 0\ntopic_id: short")).to.throw(CheckpointError);
  });

  it("of a clean stop count even when the broker epoch is missing", () => {
    expect(decodeCleanShutdown("")).to.equal(-1);
    expect(decodeCleanShutdown('{"version":0}')).to.equal(-1);
  });
});
