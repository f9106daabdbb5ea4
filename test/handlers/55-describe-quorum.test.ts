import { expect } from "chai";
import { DescribeQuorum } from "../../protocol/apis/55-describe-quorum.ts";
import { Errors } from "../../protocol/errors.ts";
import { decodeResponse, encodeResponse } from "../../protocol/frame.ts";
import type { ResponseOf } from "../../protocol/schema.ts";
import { describeQuorum } from "../../src/handlers/55-describe-quorum.ts";
import type { HandlerContext } from "../../src/handlers/context.ts";
import type { RaftDriver } from "../../src/raft/driver.ts";
import { VoterFixture } from "../raft/support/voter.ts";

const request = { topics: [{ topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] }] };

async function call(driver: RaftDriver, version: number, body = request): Promise<ResponseOf<typeof DescribeQuorum>> {
  const context = {
    services: { quorum: driver.service },
    connection: { listenerRole: "controller" },
    apiVersion: version,
  } as unknown as HandlerContext;
  const response = await describeQuorum.handle(body, context).response;
  const frame = Buffer.concat(encodeResponse(DescribeQuorum, version, 1, response as never)).subarray(4);
  return decodeResponse(DescribeQuorum, version, frame).body;
}

describe("DescribeQuorum", () => {
  for (const version of [0, 1, 2]) {
    it(`describes the quorum of one in v${version}`, async () => {
      const driver = await new VoterFixture().start();
      const { errorCode, topics, nodes } = await call(driver, version);
      expect(errorCode).to.equal(0);
      const partition = topics[0]?.partitions[0];
      expect(partition).to.include({ errorCode: 0, leaderId: 1, highWatermark: driver.highWatermark });
      expect(partition?.currentVoters.map(({ replicaId, logEndOffset }) => [replicaId, logEndOffset])).to.deep.equal([
        [1, driver.logEndOffset],
      ]);
      if (version >= 2) expect(nodes.map(({ nodeId }) => nodeId)).to.deep.equal([1]);
    });
  }

  it("knows no quorum of other partitions", async () => {
    const driver = await new VoterFixture().start();
    const topics = [{ topicName: "orders", partitions: [{ partitionIndex: 0 }] }];
    const response = await call(driver, 2, { topics });
    expect(response.topics[0]?.partitions[0]?.errorCode).to.equal(Errors.UNKNOWN_TOPIC_OR_PARTITION);
  });

  it("leaves the answer to the leader", async () => {
    const driver = await new VoterFixture({ otherVoterIds: [2, 3] }).start();
    expect(() => driver.service.describeQuorum(request, 2))
      .to.throw()
      .with.property("code", Errors.NOT_LEADER_OR_FOLLOWER);
  });
});
