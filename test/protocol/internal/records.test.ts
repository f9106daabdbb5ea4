import { expect } from "chai";
import {
  ConsumerProtocolSubscription,
  decodeCoordinatorRecord,
  decodeEmbedded,
  decodeMetadataRecord,
  decodeRemoteLogRecord,
  decodeVersioned,
  encodeCoordinatorKey,
  encodeCoordinatorValue,
  encodeMetadataRecord,
  encodeRemoteLogRecord,
  encodeVersioned,
  groupRecordSchemas,
  metadataRecordSchemas,
  shareStateRecordSchemas,
  transactionRecordSchemas,
} from "../../../protocol/internal/index.ts";
import { MalformedError } from "../../../protocol/reader.ts";
import { ZERO_UUID } from "../../../protocol/schema.ts";

describe("metadata records", () => {
  it("have the frame that Kafka's bootstrap checkpoint has", () => {
    const bytes = Buffer.from("010c00116d657461646174612e76657273696f6e001e00", "hex");
    const record = decodeMetadataRecord(bytes);
    expect(record).to.deep.equal({
      type: "FeatureLevelRecord",
      version: 0,
      value: { name: "metadata.version", featureLevel: 30 },
    });
    expect(encodeMetadataRecord(record)).to.deep.equal(bytes);
  });

  it("take fields with a default as read", () => {
    const bytes = encodeMetadataRecord({
      type: "PartitionChangeRecord",
      version: 0,
      value: { partitionId: 1, topicId: ZERO_UUID, leader: 3 },
    });
    const { value } = decodeMetadataRecord(bytes);
    expect(value).to.include({ leader: 3, isr: null, replicas: null, leaderRecoveryState: -1 });
  });

  it("of an unknown frame, type or length are malformed", () => {
    expect(() => decodeMetadataRecord(Buffer.of(2, 20, 0, 0))).to.throw(MalformedError, "frame version 2");
    expect(() => decodeMetadataRecord(Buffer.of(1, 99, 0, 0))).to.throw(MalformedError, "type 99");
    expect(() => decodeMetadataRecord(Buffer.of(1, 20, 0, 0, 0))).to.throw(MalformedError, "1 bytes too many");
    expect(decodeMetadataRecord(Buffer.of(1, 20, 0, 0)).type).to.equal("NoOpRecord");
  });

  it("are listed under their own names", () => {
    for (const [name, schema] of Object.entries(metadataRecordSchemas)) expect(schema.name).to.equal(name);
  });
});

describe("coordinator records", () => {
  it("have the type before the key and the version before the value", () => {
    const schema = groupRecordSchemas.OffsetCommit;
    const key = encodeCoordinatorKey(schema, { group: "g", topic: "t", partition: 2 });
    const value = encodeCoordinatorValue(schema, 3, {
      offset: 2n ** 60n,
      leaderEpoch: 4,
      metadata: "m",
      commitTimestamp: 5,
    });
    expect(key.toString("hex")).to.equal("000100016700017400000002");
    expect(value.toString("hex")).to.equal("000310000000000000000000000400016d0000000000000005");
    const record = decodeCoordinatorRecord(groupRecordSchemas, key, value);
    expect(record).to.deep.include({ type: "OffsetCommit", version: 3 });
    expect(record?.key).to.deep.equal({ group: "g", topic: "t", partition: 2 });
    expect(record?.value).to.include({ offset: 2n ** 60n, leaderEpoch: 4, metadata: "m", commitTimestamp: 5 });
  });

  it("without a value are tombstones", () => {
    const key = encodeCoordinatorKey(transactionRecordSchemas.TransactionLog, { transactionalId: "x" });
    expect(decodeCoordinatorRecord(transactionRecordSchemas, key, null)).to.deep.equal({
      type: "TransactionLog",
      key: { transactionalId: "x" },
      value: null,
      version: -1,
    });
  });

  it("of an unknown type are passed over", () => {
    expect(decodeCoordinatorRecord(shareStateRecordSchemas, Buffer.of(0, 99, 1, 2, 3), null)).to.equal(null);
  });

  it("write that a member is no classic one, as Kafka does", () => {
    const value = encodeCoordinatorValue(groupRecordSchemas.ConsumerGroupMemberMetadata, 0, {
      instanceId: null,
      rackId: null,
      clientId: "c",
      clientHost: "h",
      subscribedTopicNames: [],
      subscribedTopicRegex: null,
      rebalanceTimeoutMs: 300000,
      serverAssignor: null,
      classicMemberMetadata: null,
    });
    expect(value.toString("hex")).to.equal("00000000026302680100000493e00001000100");
    const key = encodeCoordinatorKey(groupRecordSchemas.ConsumerGroupMemberMetadata, { groupId: "g", memberId: "m" });
    const record = decodeCoordinatorRecord(groupRecordSchemas, key, value);
    expect(record?.value).to.include({ classicMemberMetadata: null, clientHost: "h" });
  });

  it("have the types of their keys as numbers", () => {
    for (const schemas of [groupRecordSchemas, transactionRecordSchemas, shareStateRecordSchemas]) {
      for (const [name, { key, value }] of Object.entries(schemas)) {
        expect([key.name, value.name]).to.deep.equal([`${name}Key`, `${name}Value`]);
        expect(key.key).to.equal(value.key);
      }
    }
  });
});

describe("remote log records", () => {
  it("come back as they were", () => {
    const record = {
      type: "RemotePartitionDeleteMetadataRecord",
      version: 0,
      value: {
        topicIdPartition: { name: "t", id: ZERO_UUID, partition: 1 },
        brokerId: 2,
        eventTimestampMs: 3,
        remotePartitionDeleteState: 0,
      },
    } as const;
    expect(decodeRemoteLogRecord(encodeRemoteLogRecord(record))).to.deep.equal(record);
  });
});

describe("embedded messages", () => {
  const subscription = { topics: ["t"], userData: null, ownedPartitions: [], generationId: -1, rackId: null };

  it("come back as they were", () => {
    const bytes = encodeVersioned(ConsumerProtocolSubscription, 3, subscription);
    expect(decodeVersioned(ConsumerProtocolSubscription, bytes)).to.deep.equal({ version: 3, value: subscription });
  });

  it("of a newer version are read as the newest known, whatever follows", () => {
    const bytes = encodeVersioned(ConsumerProtocolSubscription, 3, subscription);
    const newer = Buffer.concat([Buffer.of(0, 9), bytes.subarray(2), Buffer.of(1, 2, 3)]);
    expect(decodeEmbedded(ConsumerProtocolSubscription, newer)).to.deep.equal({ version: 9, value: subscription });
    expect(() => decodeVersioned(ConsumerProtocolSubscription, newer)).to.throw(Error);
  });
});
