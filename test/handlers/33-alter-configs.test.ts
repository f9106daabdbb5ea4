import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { alterConfigs } from "../../src/handlers/33-alter-configs.ts";
import { ControllerFixture, createTopic } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

const TOPIC = 2;
const BROKER = 4;

describe("AlterConfigs", () => {
  for (const version of [0, 1, 2]) {
    it(`replaces all that was set in v${version}`, async () => {
      const fixture = await ControllerFixture.start();
      await createTopic(fixture, "a", { configs: [{ name: "retention.ms", value: "1000" }] });
      const configs = [{ name: "segment.ms", value: "5000" }];
      const resources = [{ resourceType: TOPIC, resourceName: "a", configs }];
      const { responses } = await call(fixture, alterConfigs, version, { resources, validateOnly: false });
      expect(responses).to.deep.equal([{ errorCode: 0, errorMessage: null, resourceType: TOPIC, resourceName: "a" }]);
      expect(Object.fromEntries(fixture.image.configs.of(TOPIC, "a"))).to.deep.equal({ "segment.ms": "5000" });
    });
  }

  it("takes a topic's key for a broker, as plug-ins may have keys of any name", async () => {
    const fixture = await ControllerFixture.start();
    const configs = [{ name: "cleanup.policy", value: "delete" }];
    const resources = [{ resourceType: BROKER, resourceName: "1", configs }];
    const { responses } = await call(fixture, alterConfigs, 1, { resources, validateOnly: true });
    expect(responses[0]?.errorCode).to.equal(0);
  });

  it("refuses null values and leaves everything as it was", async () => {
    const fixture = await ControllerFixture.start();
    await createTopic(fixture, "a", { configs: [{ name: "retention.ms", value: "1000" }] });
    const resources = [{ resourceType: TOPIC, resourceName: "a", configs: [{ name: "segment.ms", value: null }] }];
    const { responses } = await call(fixture, alterConfigs, 2, { resources, validateOnly: false });
    expect(responses[0]?.errorCode).to.equal(Errors.INVALID_REQUEST);
    expect(Object.fromEntries(fixture.image.configs.of(TOPIC, "a"))).to.deep.equal({ "retention.ms": "1000" });
  });
});
