import { expect } from "chai";
import { RECORD_BATCH_OVERHEAD } from "../../protocol/records/batch.ts";
import { decodeBatches, encodeControlBatch, encodeRecordBatch, recordSizes } from "../../src/raft/batches.ts";
import { kafkaMetadataLog } from "./support/kafka-files.ts";

describe("batches of the metadata log", () => {
  it("decode from Kafka's log and encode to the same bytes", () => {
    const bytes = kafkaMetadataLog();
    const encoded: Buffer[] = [];
    let nextOffset = 0;
    for (const batch of decodeBatches(bytes)) {
      expect(batch.baseOffset).to.equal(nextOffset);
      nextOffset = batch.lastOffset + 1;
      const again = batch.isControl
        ? encodeControlBatch(batch, batch.controls)
        : encodeRecordBatch(batch, batch.records);
      expect(again.length).to.equal(batch.sizeBytes);
      encoded.push(again);
    }
    expect(nextOffset).to.equal(310);
    expect(Buffer.concat(encoded).equals(bytes)).to.equal(true);
  });

  it("begin, in Kafka's log, with leader change, version and voters", () => {
    const [first] = decodeBatches(kafkaMetadataLog());
    expect(first?.controls).to.deep.equal([
      { type: "leaderChange", leaderId: 1, voterIds: [1], grantingVoterIds: [1] },
      { type: "kraftVersion", kraftVersion: 1 },
      {
        type: "voters",
        voters: [
          {
            voterId: 1,
            voterDirectoryId: "2aHNE4QsTH6H_zIW2AfPkQ",
            endpoints: [{ name: "CONTROLLER", host: "127.0.0.1", port: 29193 }],
            kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
          },
        ],
      },
    ]);
  });

  it("are never larger than estimated", () => {
    for (const count of [1, 2, 200]) {
      const values = Array.from({ length: count }, (_, index) => Buffer.alloc(index * 7, index));
      const batch = encodeRecordBatch({ baseOffset: 5, epoch: 3, appendTimeMs: 1_700_000_000_000 }, values);
      expect(batch.length).to.be.at.most(recordSizes(values) + RECORD_BATCH_OVERHEAD);
    }
  });

  it("are refused when a bit is flipped", () => {
    const batch = encodeRecordBatch({ baseOffset: 0, epoch: 1, appendTimeMs: 1 }, [Buffer.from("record")]);
    for (let position = 17; position < batch.length; position++) {
      const flipped = Buffer.from(batch);
      flipped[position] = (flipped[position] as number) ^ 0x10;
      expect(() => [...decodeBatches(flipped)], `byte ${position}`).to.throw();
    }
  });

  it("are refused when cut short", () => {
    const batch = encodeRecordBatch({ baseOffset: 0, epoch: 1, appendTimeMs: 1 }, [Buffer.from("record")]);
    for (let size = 1; size < batch.length; size++) {
      expect(() => [...decodeBatches(batch.subarray(0, size))], `${size} bytes`).to.throw();
    }
  });
});
