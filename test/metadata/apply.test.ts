import { expect } from "chai";
import { ImageEditor } from "../../src/metadata/apply.ts";
import { emptyImage, type MetadataImage } from "../../src/metadata/image.ts";
import { MetadataError } from "../../src/metadata/metadata-error.ts";
import { type MetadataRecord, record } from "../../src/metadata/records.ts";
import { snapshotRecords } from "../../src/metadata/snapshot.ts";
import { registration, uuidOf } from "./support/controller-fixture.ts";
import { imageFromRecords, plain } from "./support/kafka-metadata.ts";

const TOPIC = uuidOf(1);

function applied(image: MetadataImage, ...records: MetadataRecord[]) {
  const editor = new ImageEditor(image);
  for (const item of records) editor.apply(item);
  return editor.finish(0, 1);
}

const topic = (name = "a", topicId = TOPIC) => record("TopicRecord", 0, { name, topicId });

const partition = (partitionId: number, changes: object = {}) =>
  record("PartitionRecord", 2, {
    partitionId,
    topicId: TOPIC,
    replicas: [1, 2],
    isr: [1, 2],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderRecoveryState: 0,
    leaderEpoch: 4,
    partitionEpoch: 7,
    directories: [uuidOf(11), uuidOf(12)],
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    ...changes,
  });

const change = (changes: object, partitionId = 0) =>
  record("PartitionChangeRecord", 2, {
    partitionId,
    topicId: TOPIC,
    isr: null,
    leader: -2,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: -1,
    directories: null,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    ...changes,
  });

const broker = (brokerId: number, brokerEpoch: number) => {
  const { listeners, features, incarnationId, logDirs } = registration(brokerId);
  return record("RegisterBrokerRecord", 4, {
    brokerId,
    isMigratingZkBroker: false,
    incarnationId,
    brokerEpoch,
    endPoints: listeners,
    features,
    rack: "r",
    fenced: true,
    inControlledShutdown: false,
    logDirs,
    cordonedLogDirs: null,
  });
};

describe("ImageEditor, partitions", () => {
  const { image } = applied(emptyImage, topic(), partition(0), partition(1));

  it("counts both epochs up when the leader is named, the partition's alone when not", () => {
    const led = applied(image, change({ leader: 2 })).image.topics.partition(TOPIC, 0);
    expect(led).to.include({ leader: 2, leaderEpoch: 5, partitionEpoch: 8 });
    const same = applied(image, change({ leader: 1 })).image.topics.partition(TOPIC, 0);
    expect(same).to.include({ leader: 1, leaderEpoch: 5, partitionEpoch: 8 });
    const shrunk = applied(image, change({ isr: [1] })).image.topics.partition(TOPIC, 0);
    expect(shrunk).to.deep.include({ leader: 1, leaderEpoch: 4, partitionEpoch: 8, isr: [1], replicas: [1, 2] });
  });

  it("shares everything with the image before but the partition that changed", () => {
    const next = applied(image, change({ isr: [1] }));
    expect(next.image.topics.partition(TOPIC, 1)).to.equal(image.topics.partition(TOPIC, 1));
    expect(next.image.configs).to.equal(image.configs);
    expect(next.image.cluster).to.equal(image.cluster);
    expect([...next.delta.topics.get(TOPIC)!.partitions]).to.deep.equal([0]);
    expect(image.topics.partition(TOPIC, 0)?.isr).to.deep.equal([1, 2]);
  });

  it("keeps each replica's directory when replicas move without naming directories", () => {
    const moved = applied(image, change({ replicas: [2, 3] })).image.topics.partition(TOPIC, 0);
    expect(moved?.directories).to.deep.equal([uuidOf(12), "AAAAAAAAAAAAAAAAAAAAAA"]);
  });

  it("takes partitions from before directories were known", () => {
    const old = applied(emptyImage, topic(), partition(0, { directories: [] })).image.topics.partition(TOPIC, 0);
    expect(old?.directories).to.deep.equal(["AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA"]);
  });

  it("clears eligible leader replicas of one topic or of all, without a new epoch", () => {
    const elr = { eligibleLeaderReplicas: [2], lastKnownElr: [1] };
    for (const topicName of ["a", ""]) {
      const before = applied(emptyImage, topic(), partition(0, elr)).image;
      const after = applied(before, record("ClearElrRecord", 0, { topicName }));
      expect(after.image.topics.partition(TOPIC, 0)).to.deep.include({
        eligibleLeaderReplicas: [],
        lastKnownElr: [],
        partitionEpoch: 7,
      });
    }
  });

  it("takes a topic's configuration away with it", () => {
    const set = record("ConfigRecord", 0, { resourceType: 2, resourceName: "a", name: "retention.ms", value: "1" });
    const configured = applied(image, set).image;
    const removed = applied(configured, record("RemoveTopicRecord", 0, { topicId: TOPIC }));
    expect(removed.image.configs.of(2, "a").size).to.equal(0);
    expect([...removed.delta.configs.keys()]).to.deep.equal(["2:a"]);
  });
});

describe("ImageEditor, contradictions", () => {
  const { image } = applied(emptyImage, topic(), partition(0), broker(1, 5));
  const wrong: readonly [string, MetadataRecord][] = [
    ["a topic id that is taken", topic("b")],
    ["a partition of an unknown topic", partition(0, { topicId: uuidOf(9) })],
    ["a change of an unknown partition", change({ leader: 1 }, 5)],
    ["as many directories as there are no replicas", partition(1, { directories: [uuidOf(11)] })],
    ["the end of an unknown topic", record("RemoveTopicRecord", 0, { topicId: uuidOf(9) })],
    ["eligible replicas of an unknown topic", record("ClearElrRecord", 0, { topicName: "zzz" })],
    ["the end of an unknown broker", record("UnregisterBrokerRecord", 0, { brokerId: 9, brokerEpoch: 5 })],
    ["a change of a broker of an older epoch", record("FenceBrokerRecord", 0, { id: 1, epoch: 4 })],
    ["the end of an unknown ACL", record("RemoveAccessControlEntryRecord", 0, { id: uuidOf(9) })],
  ];
  for (const [what, item] of wrong) {
    it(`refuses ${what}`, () => {
      expect(() => applied(image, item)).to.throw(MetadataError);
    });
  }
});

describe("ImageEditor, everything else", () => {
  const everything: MetadataRecord[] = [
    record("FeatureLevelRecord", 0, { name: "metadata.version", featureLevel: 30 }),
    record("FeatureLevelRecord", 0, { name: "gone.version", featureLevel: 1 }),
    record("FeatureLevelRecord", 0, { name: "gone.version", featureLevel: 0 }),
    broker(1, 5),
    broker(2, 6),
    record("UnfenceBrokerRecord", 0, { id: 1, epoch: 5 }),
    record("FenceBrokerRecord", 0, { id: 1, epoch: 5 }),
    record("BrokerRegistrationChangeRecord", 3, {
      brokerId: 1,
      brokerEpoch: 5,
      fenced: -1,
      inControlledShutdown: 1,
      logDirs: [uuidOf(77)],
      cordonedLogDirs: [uuidOf(77)],
    }),
    record("UnregisterBrokerRecord", 0, { brokerId: 2, brokerEpoch: 6 }),
    record("RegisterControllerRecord", 0, {
      controllerId: 3,
      incarnationId: uuidOf(3),
      zkMigrationReady: false,
      endPoints: [{ name: "CONTROLLER", host: "h", port: 1, securityProtocol: 0 }],
      features: [],
    }),
    topic(),
    partition(0, { leaderRecoveryState: 1, eligibleLeaderReplicas: [2], lastKnownElr: [1] }),
    record("ConfigRecord", 0, { resourceType: 4, resourceName: "", name: "a", value: "1" }),
    record("ConfigRecord", 0, { resourceType: 4, resourceName: "", name: "b", value: "2" }),
    record("ConfigRecord", 0, { resourceType: 4, resourceName: "", name: "b", value: null }),
    record("ClientQuotaRecord", 0, {
      entity: [
        { entityType: "user", entityName: null },
        { entityType: "client-id", entityName: "c" },
      ],
      key: "producer_byte_rate",
      value: 12.5,
      remove: false,
    }),
    record("ProducerIdsRecord", 0, { brokerId: 1, brokerEpoch: 5, nextProducerId: 3000 }),
    record("AccessControlEntryRecord", 0, {
      id: uuidOf(50),
      resourceType: 2,
      resourceName: "a",
      patternType: 3,
      principal: "User:alice",
      host: "*",
      operation: 3,
      permissionType: 3,
    }),
    record("UserScramCredentialRecord", 0, {
      name: "alice",
      mechanism: 1,
      salt: Buffer.from("salt"),
      storedKey: Buffer.from("stored"),
      serverKey: Buffer.from("server"),
      iterations: 4096,
    }),
    record("DelegationTokenRecord", 0, {
      owner: "User:a",
      requester: "User:b",
      renewers: ["User:c"],
      issueTimestamp: 1,
      maxTimestamp: 2,
      expirationTimestamp: 3,
      tokenId: "t",
    }),
    record("NoOpRecord", 0, {}),
    record("ZkMigrationStateRecord", 0, { zkMigrationState: 3 }),
  ];
  const { image, delta } = applied(emptyImage, ...everything);

  it("keeps what is told", () => {
    expect(image.cluster.brokers.get(1)).to.deep.include({
      fenced: false,
      inControlledShutdown: true,
      logDirs: [uuidOf(77)],
      cordonedLogDirs: [uuidOf(77)],
    });
    expect([...image.cluster.brokers.keys()]).to.deep.equal([1]);
    expect([...image.features]).to.deep.equal([["metadata.version", 30]]);
    expect(image.nextProducerId).to.equal(3000);
    expect(delta.security).to.deep.equal({
      acls: true,
      scramCredentials: true,
      delegationTokens: true,
      clientQuotas: true,
    });
  });

  it("gives all of it back as a snapshot", () => {
    expect(plain(imageFromRecords(snapshotRecords(image)))).to.deep.equal(plain(image));
  });

  it("forgets what is taken back", () => {
    const after = applied(
      image,
      record("RemoveAccessControlEntryRecord", 0, { id: uuidOf(50) }),
      record("RemoveUserScramCredentialRecord", 0, { name: "alice", mechanism: 1 }),
      record("RemoveDelegationTokenRecord", 0, { tokenId: "t" }),
      record("ClientQuotaRecord", 0, {
        entity: [
          { entityType: "client-id", entityName: "c" },
          { entityType: "user", entityName: null },
        ],
        key: "producer_byte_rate",
        value: 0,
        remove: true,
      }),
    ).image.security;
    const sizes = [after.acls.size, after.scramCredentials.size, after.delegationTokens.size, after.clientQuotas.size];
    expect(sizes).to.deep.equal([0, 0, 0, 0]);
  });
});
