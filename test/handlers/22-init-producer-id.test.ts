import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { initProducerId } from "../../src/handlers/22-init-producer-id.ts";
import { ControllerFixture } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

const request = { transactionalId: null, transactionTimeoutMs: 60_000 };

describe("InitProducerId", () => {
  for (let version = 0; version <= 5; version += 1) {
    it(`gives every producer another id in v${version}`, async () => {
      const fixture = await ControllerFixture.start();
      const first = await call(fixture, initProducerId, version, request);
      const second = await call(fixture, initProducerId, version, request);
      expect(first).to.include({ errorCode: 0, producerId: 0, producerEpoch: 0 });
      expect(second).to.include({ errorCode: 0, producerId: 1, producerEpoch: 0 });
    });
  }

  it("gives a new id to a producer that brings one", async () => {
    const fixture = await ControllerFixture.start();
    const response = await call(fixture, initProducerId, 5, { ...request, producerId: 77, producerEpoch: 3 });
    expect(response).to.include({ errorCode: 0, producerId: 0, producerEpoch: 0 });
  });

  it("refuses an id without an epoch, and an empty transactional id", async () => {
    const fixture = await ControllerFixture.start();
    const half = await call(fixture, initProducerId, 5, { ...request, producerId: 77 });
    expect(half).to.include({ errorCode: Errors.INVALID_REQUEST, producerId: -1, producerEpoch: -1 });
    const empty = await call(fixture, initProducerId, 5, { ...request, transactionalId: "" });
    expect(empty.errorCode).to.equal(Errors.INVALID_REQUEST);
  });

  it("has no coordinator for transactional ids", async () => {
    const fixture = await ControllerFixture.start();
    const response = await call(fixture, initProducerId, 5, { ...request, transactionalId: "t" });
    expect(response.errorCode).to.equal(Errors.COORDINATOR_NOT_AVAILABLE);
  });

  it("says to ask again when the controller gives no ids", async () => {
    const fixture = await ControllerFixture.start();
    fixture.log.loseLeadership();
    const response = await call(fixture, initProducerId, 5, request);
    expect(response.errorCode).to.equal(Errors.COORDINATOR_LOAD_IN_PROGRESS);
  });
});
