import { expect } from "chai";
import { followDynamicConfigs } from "../../src/metadata/dynamic-configs.ts";
import { ControllerFixture } from "./support/controller-fixture.ts";

async function set(fixture: ControllerFixture, resourceName: string, name: string, value: string | null) {
  const configs = [{ name, configOperation: value === null ? 1 : 0, value }];
  const resources = [{ resourceType: 4, resourceName, configs }];
  const { responses } = await fixture.complete(
    fixture.controller.incrementalAlterConfigs({ resources, validateOnly: false }),
  );
  expect(responses[0]?.errorMessage).to.equal(null);
}

describe("followDynamicConfigs", () => {
  it("brings what is set for all brokers and for this one into force, the latter first", async () => {
    const fixture = await ControllerFixture.start();
    const { store, config, logger } = fixture;
    await set(fixture, "", "log.cleaner.threads", "2");
    const stop = followDynamicConfigs(1, { store, config, logger });
    expect(config.get("log.cleaner.threads")).to.equal(2);
    await set(fixture, "1", "log.cleaner.threads", "3");
    expect(config.get("log.cleaner.threads")).to.equal(3);
    await set(fixture, "1", "log.cleaner.threads", null);
    expect(config.get("log.cleaner.threads")).to.equal(2);
    stop();
    await set(fixture, "", "log.cleaner.threads", "4");
    expect(config.get("log.cleaner.threads")).to.equal(2);
  });

  it("does not care for other brokers", async () => {
    const fixture = await ControllerFixture.start({ brokerIds: [1, 2] });
    const { store, config, logger } = fixture;
    followDynamicConfigs(1, { store, config, logger });
    await set(fixture, "2", "log.cleaner.threads", "3");
    expect(config.get("log.cleaner.threads")).to.equal(1);
  });
});
