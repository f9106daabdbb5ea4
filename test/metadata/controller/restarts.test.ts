import { expect } from "chai";
import { registerBroker } from "../../../src/metadata/controller/brokers.ts";
import { PartitionIndex } from "../../../src/metadata/controller/partition-index.ts";
import { CLUSTER_ID, ControllerFixture, registration } from "../support/controller-fixture.ts";
import { kafkaMetadataBatches } from "../support/kafka-metadata.ts";

describe("registerBroker", () => {
  it("keeps the epoch of a process that registers again", async () => {
    const fixture = await ControllerFixture.start();
    const epoch = fixture.image.cluster.brokers.get(1)!.epoch;
    const operation = registerBroker(registration(1), { clusterId: CLUSTER_ID, isRunning: () => true });
    const { response } = operation.decide(fixture.image, { nowMs: 0, nextOffset: 999, epoch: 1 }, new PartitionIndex());
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
