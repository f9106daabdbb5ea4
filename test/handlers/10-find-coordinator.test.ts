import { expect } from "chai";
import { Metadata } from "../../protocol/apis/03-metadata.ts";
import { FindCoordinator } from "../../protocol/apis/10-find-coordinator.ts";
import { Errors } from "../../protocol/errors.ts";
import type { Broker } from "../../src/broker.ts";
import { ask } from "../support/ask.ts";
import { RawClient, startTestBroker } from "../support/broker.ts";

describe("FindCoordinator", () => {
  let broker: Broker;
  let client: RawClient;
  before(async () => {
    broker = await startTestBroker({ config: { "offsets.topic.num.partitions": 3 } });
    client = await RawClient.connect(broker.address);
  });
  after(async () => {
    client.close();
    await broker.stop();
  });

  it("creates __consumer_offsets on first use, and answers when it is there", async () => {
    const others = await Promise.all([1, 2, 3].map(() => RawClient.connect(broker.address)));
    const found = await Promise.all(others.map(other => ask(other, FindCoordinator, 0, { key: "g" })));
    expect(found.map(({ errorCode, nodeId }) => [errorCode, nodeId])).to.deep.equal([
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    for (const other of others) other.close();
    const { topics } = await ask(client, Metadata, 9, {
      topics: [{ name: "__consumer_offsets", topicId: "AAAAAAAAAAAAAAAAAAAAAA" }],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
    expect(topics[0]).to.include({ errorCode: Errors.NONE, isInternal: true });
    expect(topics[0]!.partitions).to.have.length(3);
  });

  for (let version = 0; version <= 3; version += 1) {
    it(`finds one in v${version}`, async () => {
      const found = await ask(client, FindCoordinator, version, { key: "g" });
      expect(found).to.include({ errorCode: Errors.NONE, nodeId: 1, ...broker.address });
      if (version > 0) expect(found.errorMessage).to.equal("NONE");
    });
  }

  for (let version = 4; version <= 6; version += 1) {
    it(`finds several in v${version}`, async () => {
      const { coordinators } = await ask(client, FindCoordinator, version, {
        keyType: 0,
        coordinatorKeys: ["a", "b"],
      });
      expect(coordinators.map(({ key, nodeId, errorCode }) => [key, nodeId, errorCode])).to.deep.equal([
        ["a", 1, 0],
        ["b", 1, 0],
      ]);
    });
  }

  for (const [keyType, version, code] of [
    [1, 6, Errors.COORDINATOR_NOT_AVAILABLE],
    [2, 6, Errors.COORDINATOR_NOT_AVAILABLE],
    [2, 5, Errors.INVALID_REQUEST],
    [3, 6, Errors.INVALID_REQUEST],
  ] as const) {
    it(`answers type ${keyType} in v${version} with ${code}`, async () => {
      const { coordinators } = await ask(client, FindCoordinator, version, { keyType, coordinatorKeys: ["x"] });
      expect(coordinators[0]).to.include({ nodeId: -1, port: -1, errorCode: code });
    });
  }
});
