import { expect } from "chai";
import {
  BatchFormatError,
  CONTROL_TYPE,
  type ControlRecord,
  controlBatch,
  decodeControlRecord,
  encodeControlRecord,
  endTransactionBatch,
} from "../../../protocol/records/index.ts";
import { vectors } from "./vectors.ts";

const TIMESTAMP = 1_700_000_000_000;

function kafkaBytes(name: string): string {
  return vectors.find(vector => vector.name === name)!.bytes.toString("hex");
}

const raftRecords: [vector: string, record: ControlRecord, baseOffset: number, leaderEpoch: number][] = [
  [
    "leader change v0",
    { type: "leaderChange", leaderId: 1, voters: [{ voterId: 1 }, { voterId: 2 }], grantingVoters: [{ voterId: 1 }] },
    0,
    2,
  ],
  ["snapshot header", { type: "snapshotHeader", lastContainedLogTimestamp: TIMESTAMP }, 0, 7],
  ["snapshot footer", { type: "snapshotFooter" }, 10, 7],
  ["kraft version", { type: "kraftVersion", kraftVersion: 1 }, 1, 7],
  [
    "kraft voters",
    {
      type: "kraftVoters",
      voters: [
        {
          voterId: 1,
          voterDirectoryId: "AAAAAAAAAAMAAAAAAAAABA",
          endpoints: [{ name: "CONTROLLER", host: "127.0.0.1", port: 19092 }],
          minSupportedVersion: 0,
          maxSupportedVersion: 1,
        },
      ],
    },
    2,
    7,
  ],
];

describe("control records", () => {
  for (const [vector, record, baseOffset, leaderEpoch] of raftRecords) {
    it(`"${vector}" is written in Kafka's bytes and read back`, () => {
      const batch = controlBatch([record], { baseOffset, leaderEpoch, timestamp: TIMESTAMP });
      expect(batch.toString("hex")).to.equal(kafkaBytes(vector));
      const { key, value } = encodeControlRecord(record);
      expect(decodeControlRecord(key, value)).to.deep.equal(record);
    });
  }

  for (const [vector, type, coordinatorEpoch, baseOffset] of [
    ["commit marker", "commit", 12, 300],
    ["abort marker", "abort", 0, 301],
  ] as const) {
    it(`"${vector}" is written in Kafka's bytes`, () => {
      const producer = { producerId: 4001, producerEpoch: 3 };
      const options = { baseOffset, leaderEpoch: 5, timestamp: TIMESTAMP };
      const batch = endTransactionBatch({ type, coordinatorEpoch }, producer, options);
      expect(batch.toString("hex")).to.equal(kafkaBytes(vector));
    });
  }

  it("version 1 of a leader change is read, with directory ids", () => {
    const key = Buffer.from("00000002", "hex");
    const directoryId = "00000000000000030000000000000004";
    const value = Buffer.from(`00010000000102${"00000001"}${directoryId}000100`, "hex");
    expect(decodeControlRecord(key, value)).to.deep.equal({
      type: "leaderChange",
      leaderId: 1,
      voters: [{ voterId: 1, voterDirectoryId: "AAAAAAAAAAMAAAAAAAAABA" }],
      grantingVoters: [],
    });
  });

  it("unknown types are named, not refused", () => {
    expect(decodeControlRecord(Buffer.from("00000063", "hex"), null)).to.deep.equal({ type: "unknown", typeId: 99 });
  });

  it("cut records are format errors, whatever their type", () => {
    for (const [, record] of raftRecords) {
      const { key, value } = encodeControlRecord(record);
      for (let size = 0; size < value.length; size++)
        expect(() => decodeControlRecord(key, value.subarray(0, size))).to.throw(BatchFormatError);
    }
    expect(() => decodeControlRecord(Buffer.alloc(3), null)).to.throw(BatchFormatError);
    expect(Object.keys(CONTROL_TYPE)).to.have.lengthOf(7);
  });
});
