import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { describeCluster } from "../../src/handlers/60-describe-cluster.ts";
import { CLUSTER_ID, ControllerFixture, uuidOf } from "../metadata/support/controller-fixture.ts";
import { type CallOptions, call } from "../metadata/support/handler-call.ts";

const CONTROLLER_LISTENER: CallOptions = { listenerName: "CONTROLLER", listenerRole: "controller" };

function ask(fixture: ControllerFixture, version: number, changes: object = {}, options: CallOptions = {}) {
  const request = {
    includeClusterAuthorizedOperations: false,
    endpointType: 1,
    includeFencedBrokers: false,
    ...changes,
  };
  return call(fixture, describeCluster, version, request, options);
}

describe("DescribeCluster", () => {
  for (const version of [0, 1, 2]) {
    it(`gives the live brokers in v${version}`, async () => {
      const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
      await fixture.register(3);
      const response = await ask(fixture, version);
      expect(response).to.include({ errorCode: 0, errorMessage: null, clusterId: CLUSTER_ID, controllerId: 1 });
      expect(response.brokers.map(({ brokerId, host }) => [brokerId, host])).to.deep.equal([
        [1, "broker-1"],
        [2, "broker-2"],
      ]);
      expect(response.clusterAuthorizedOperations).to.equal(-2147483648);
    });
  }

  it("gives fenced brokers too when asked", async () => {
    const fixture = await ControllerFixture.start();
    await fixture.register(2);
    const response = await ask(fixture, 2, { includeFencedBrokers: true, includeClusterAuthorizedOperations: true });
    expect(response.brokers.map(({ brokerId, isFenced }) => [brokerId, isFenced])).to.deep.equal([
      [1, false],
      [2, true],
    ]);
    expect(response.clusterAuthorizedOperations).to.equal(8096);
  });

  it("gives the controllers on their own listener", async () => {
    const fixture = await ControllerFixture.start();
    await fixture.complete(
      fixture.controller.registerController({
        controllerId: 1,
        incarnationId: uuidOf(1),
        zkMigrationReady: false,
        listeners: [{ name: "CONTROLLER", host: "controller-1", port: 19092, securityProtocol: 0 }],
        features: [],
      }),
    );
    const response = await ask(fixture, 1, { endpointType: 2 }, CONTROLLER_LISTENER);
    expect(response.brokers.map(({ brokerId, host, port }) => [brokerId, host, port])).to.deep.equal([
      [1, "controller-1", 19092],
    ]);
  });

  it("refuses the kind of endpoint that the listener is not for, and kinds there are none of", async () => {
    const fixture = await ControllerFixture.start();
    expect((await ask(fixture, 1, { endpointType: 2 })).errorCode).to.equal(Errors.MISMATCHED_ENDPOINT_TYPE);
    expect((await ask(fixture, 1, {}, CONTROLLER_LISTENER)).errorCode).to.equal(Errors.MISMATCHED_ENDPOINT_TYPE);
    expect((await ask(fixture, 1, { endpointType: 7 })).errorCode).to.equal(Errors.UNSUPPORTED_ENDPOINT_TYPE);
  });
});
