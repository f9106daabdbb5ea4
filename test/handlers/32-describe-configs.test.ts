import { expect } from "chai";
import { Errors, errorName } from "../../protocol/errors.ts";
import { describeConfigs } from "../../src/handlers/32-describe-configs.ts";
import { followDynamicConfigs } from "../../src/metadata/dynamic-configs.ts";
import { ControllerFixture, createTopic, type FixtureOptions } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

const [TOPIC, BROKER, LOGGER, METRICS, GROUP] = [2, 4, 8, 16, 32] as const;

function describeOne(
  fixture: ControllerFixture,
  resourceType: number,
  resourceName: string,
  { keys = null, version = 4, synonyms = false, documentation = false }: DescribeChanges = {},
) {
  return call(fixture, describeConfigs, version, {
    resources: [{ resourceType, resourceName, configurationKeys: keys }],
    includeSynonyms: synonyms,
    includeDocumentation: documentation,
  });
}

interface DescribeChanges {
  readonly keys?: readonly string[] | null;
  readonly version?: number;
  readonly synonyms?: boolean;
  readonly documentation?: boolean;
}

async function started(options: FixtureOptions = {}): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start(options);
  followDynamicConfigs(1, { store: fixture.store, config: fixture.config, logger: fixture.logger });
  await createTopic(fixture, "a", { configs: [{ name: "retention.ms", value: "1000" }] });
  return fixture;
}

describe("DescribeConfigs", () => {
  for (let version = 1; version <= 4; version += 1) {
    it(`describes a topic in v${version}, keys in the order asked for`, async () => {
      const keys = ["segment.bytes", "retention.ms", "no.such.key"];
      const { results } = await describeOne(await started(), TOPIC, "a", { keys, version });
      expect(results[0]).to.include({ errorCode: 0, errorMessage: null, resourceType: TOPIC, resourceName: "a" });
      expect(results[0]?.configs.map(({ name, value, configSource }) => [name, value, configSource])).to.deep.equal([
        ["segment.bytes", "1073741824", 5],
        ["retention.ms", "1000", 1],
      ]);
    });
  }

  it("gives synonyms nearest first, types and documentation when asked", async () => {
    const fixture = await started({ config: { "log.retention.ms": "7000" } });
    const { results } = await describeOne(fixture, TOPIC, "a", {
      keys: ["retention.ms"],
      synonyms: true,
      documentation: true,
    });
    const [entry] = results[0]!.configs;
    expect(entry?.synonyms.slice(0, 2)).to.deep.equal([
      { name: "retention.ms", value: "1000", source: 1 },
      { name: "log.retention.ms", value: "7000", source: 4 },
    ]);
    expect(entry?.configType).to.equal(5);
    expect(entry?.documentation).to.be.a("string");
  });

  it("shows what was set for all brokers and for this one", async () => {
    const fixture = await started();
    await fixture.complete(
      fixture.controller.incrementalAlterConfigs({
        resources: [
          {
            resourceType: BROKER,
            resourceName: "",
            configs: [{ name: "log.cleaner.threads", configOperation: 0, value: "2" }],
          },
          {
            resourceType: BROKER,
            resourceName: "1",
            configs: [{ name: "log.cleaner.threads", configOperation: 0, value: "3" }],
          },
        ],
        validateOnly: false,
      }),
    );
    const keys = ["log.cleaner.threads"];
    const own = await describeOne(fixture, BROKER, "1", { keys, synonyms: true });
    expect(own.results[0]?.configs[0]).to.include({ value: "3", configSource: 2, readOnly: false });
    expect(own.results[0]?.configs[0]?.synonyms.map(({ value, source }) => [value, source])).to.deep.equal([
      ["3", 2],
      ["2", 3],
      ["1", 5],
    ]);
    const all = await describeOne(fixture, BROKER, "");
    expect(all.results[0]?.configs.map(({ name, value }) => [name, value])).to.deep.equal([
      ["log.cleaner.threads", "2"],
    ]);
  });

  it("describes groups, client metrics subscriptions and the logger", async () => {
    const fixture = await started();
    const group = await describeOne(fixture, GROUP, "g");
    expect(group.results[0]?.configs.map(({ name }) => name)).to.include("consumer.session.timeout.ms");
    const metrics = await describeOne(fixture, METRICS, "m");
    expect(metrics.results[0]?.configs.map(({ name }) => name)).to.have.members(["interval.ms", "match", "metrics"]);
    const logger = await describeOne(fixture, LOGGER, "1");
    expect(logger.results[0]?.configs[0]).to.include({ name: "root", value: "INFO" });
  });

  const refusals: readonly [string, number, string, number][] = [
    ["an unknown topic", TOPIC, "nope", Errors.UNKNOWN_TOPIC_OR_PARTITION],
    ["an impossible topic", TOPIC, "../x", Errors.INVALID_TOPIC_EXCEPTION],
    ["another broker", BROKER, "7", Errors.INVALID_REQUEST],
    ["a broker that is no number", BROKER, "x", Errors.INVALID_REQUEST],
    ["the loggers of another broker", LOGGER, "7", Errors.INVALID_REQUEST],
    ["a subscription without a name", METRICS, "", Errors.INVALID_REQUEST],
    ["a group without a name", GROUP, "", Errors.INVALID_REQUEST],
    ["an unknown kind of resource", 99, "x", Errors.INVALID_REQUEST],
  ];
  for (const [what, type, name, errorCode] of refusals) {
    it(`refuses ${what} with ${errorName(errorCode)}`, async () => {
      const { results } = await describeOne(await started(), type, name);
      expect(results[0]).to.deep.include({ errorCode, configs: [] });
    });
  }
});
