import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { listConfigResources } from "../../src/handlers/74-list-config-resources.ts";
import { ControllerFixture, createTopic } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

const [TOPIC, BROKER, LOGGER, METRICS, GROUP] = [2, 4, 8, 16, 32] as const;

async function started(): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start();
  await createTopic(fixture, "b");
  await createTopic(fixture, "a");
  const set = (resourceType: number, resourceName: string, name: string, value: string) => ({
    resourceType,
    resourceName,
    configs: [{ name, configOperation: 0, value }],
  });
  await fixture.complete(
    fixture.controller.incrementalAlterConfigs({
      resources: [
        set(METRICS, "m", "interval.ms", "30000"),
        set(GROUP, "g", "consumer.session.timeout.ms", "50000"),
        set(BROKER, "", "log.cleaner.threads", "2"),
      ],
      validateOnly: false,
    }),
  );
  return fixture;
}

describe("ListConfigResources", () => {
  it("lists client metrics subscriptions in v0", async () => {
    const response = await call(await started(), listConfigResources, 0, { resourceTypes: [] });
    expect(response.configResources).to.deep.equal([{ resourceName: "m", resourceType: METRICS }]);
  });

  it("lists the types asked for in v1", async () => {
    const response = await call(await started(), listConfigResources, 1, { resourceTypes: [TOPIC, GROUP] });
    expect(
      response.configResources.map(({ resourceType, resourceName }) => [resourceType, resourceName]),
    ).to.deep.equal([
      [TOPIC, "a"],
      [TOPIC, "b"],
      [GROUP, "g"],
    ]);
  });

  it("lists all types when none is asked for", async () => {
    const response = await call(await started(), listConfigResources, 1, { resourceTypes: [] });
    const types = new Set(response.configResources.map(({ resourceType }) => resourceType));
    expect([...types]).to.have.members([TOPIC, BROKER, LOGGER, METRICS, GROUP]);
  });

  it("refuses types there are none of with UNSUPPORTED_VERSION", async () => {
    const response = await call(await started(), listConfigResources, 1, { resourceTypes: [3] });
    expect(response).to.deep.include({ errorCode: Errors.UNSUPPORTED_VERSION, configResources: [] });
  });
});
