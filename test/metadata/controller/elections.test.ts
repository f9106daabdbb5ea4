import { expect } from "chai";
import { registerBroker } from "../../../src/metadata/controller/brokers.ts";
import { electionOf, electLeaders, resignLeaderships } from "../../../src/metadata/controller/partitions.ts";
import type { MetadataImage } from "../../../src/metadata/image.ts";
import type { PartitionImage } from "../../../src/metadata/topics-image.ts";
import { CLUSTER_ID, ControllerFixture, createTopic, registration, uuidOf } from "../support/controller-fixture.ts";
import { kafkaMetadataBatches } from "../support/kafka-metadata.ts";

const lost: PartitionImage = {
  partition: 0,
  replicas: [1, 2, 3],
  directories: [uuidOf(1), uuidOf(2), uuidOf(3)],
  isr: [],
  removingReplicas: [],
  addingReplicas: [],
  eligibleLeaderReplicas: [],
  lastKnownElr: [],
  leader: -1,
  leaderRecoveryState: 0,
  leaderEpoch: 5,
  partitionEpoch: 5,
};

/** An image in which only these brokers are alive. */
function imageWith(...alive: number[]): MetadataImage {
  const brokers = new Map(alive.map(id => [id, { id, fenced: false, inControlledShutdown: false }]));
  return { cluster: { brokers } } as unknown as MetadataImage;
}

describe("electionOf", () => {
  it("prefers the first living replica in sync", () => {
    expect(electionOf({ ...lost, isr: [3, 2] }, imageWith(2, 3))).to.deep.equal({ leader: 2 });
  });

  it("takes an eligible replica when none in sync lives", () => {
    expect(electionOf({ ...lost, isr: [1], eligibleLeaderReplicas: [2, 3] }, imageWith(3))).to.deep.equal({
      leader: 3,
      isr: [3],
      eligibleLeaderReplicas: [2],
      lastKnownElr: [],
    });
  });

  it("waits rather than lose what was committed", () => {
    expect(electionOf({ ...lost, isr: [1], lastKnownElr: [2] }, imageWith(2, 3))).to.equal(null);
  });

  it("takes the only replica there is, as no other can hold more", () => {
    const single = { ...lost, replicas: [1], directories: [uuidOf(1)] };
    expect(electionOf({ ...single, lastKnownElr: [1] }, imageWith(1))).to.deep.include({ leader: 1, isr: [1] });
  });
});

describe("steps over many partitions", () => {
  it("change no more than the limit, and all when repeated", async () => {
    const fixture = await ControllerFixture.start();
    await createTopic(fixture, "a", { numPartitions: 10 });
    expect(resignLeaderships(fixture.image, 1, 4)).to.have.length(4);
    expect(resignLeaderships(fixture.image, 1, 100)).to.have.length(10);
    expect(electLeaders(fixture.image, 1, 100)).to.have.length(0);
  });
});

describe("registerBroker", () => {
  it("keeps the epoch of a process that registers again", async () => {
    const fixture = await ControllerFixture.start();
    const epoch = fixture.image.cluster.brokers.get(1)!.epoch;
    const operation = registerBroker(registration(1), { clusterId: CLUSTER_ID, isRunning: () => true });
    const { response } = operation.decide(fixture.image, { nowMs: 0, nextOffset: 999, epoch: 1 });
    expect(response.brokerEpoch).to.equal(epoch);
  });
});

describe("a directory of Apache Kafka 4.3.1", () => {
  for (const which of ["clean", "unclean"] as const) {
    it(`gets all its leaders back when its broker comes up again (${which})`, async () => {
      const fixture = new ControllerFixture();
      for (const batch of kafkaMetadataBatches(which)) fixture.log.batches.push(batch);
      fixture.log.epoch = 9;
      fixture.log.commit();
      fixture.store.start();
      fixture.controller.start();
      await fixture.complete(fixture.controller.whenActive());
      const partitions = () => [...fixture.image.topics.byId.values()].flatMap(topic => topic.partitions);
      const before = partitions();
      await fixture.addBroker(1, { logDirs: ["2aHNE4QsTH6H_zIW2AfPkQ"] });
      expect(partitions().map(({ leader, isr }) => [leader, ...isr])).to.deep.equal(before.map(() => [1, 1]));
      for (const [index, { leaderEpoch }] of partitions().entries()) {
        expect(leaderEpoch).to.be.greaterThan(before[index]!.leaderEpoch);
      }
    });
  }
});
