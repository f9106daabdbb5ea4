import { expect } from "chai";
import type { IncrementalAlterConfigs } from "../../protocol/apis/44-incremental-alter-configs.ts";
import { Errors, errorName } from "../../protocol/errors.ts";
import type { RequestInputOf } from "../../protocol/schema.ts";
import { incrementalAlterConfigs } from "../../src/handlers/44-incremental-alter-configs.ts";
import { ControllerFixture, createTopic } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

type Resource = RequestInputOf<typeof IncrementalAlterConfigs>["resources"][number];

const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3] as const;
const [TOPIC, BROKER, LOGGER, METRICS, GROUP] = [2, 4, 8, 16, 32] as const;

/** One change of one key of one resource. */
function change(
  resourceType: number,
  resourceName: string,
  configOperation: number,
  name: string,
  value: string | null,
) {
  return { resourceType, resourceName, configs: [{ name, configOperation, value }] };
}

const alter = (fixture: ControllerFixture, resources: readonly Resource[], validateOnly = false, version = 1) =>
  call(fixture, incrementalAlterConfigs, version, { resources, validateOnly });

async function started(): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start();
  await createTopic(fixture, "a", { configs: [{ name: "retention.ms", value: "1000" }] });
  return fixture;
}

const settings = (fixture: ControllerFixture, type: number = TOPIC, name = "a") =>
  Object.fromEntries(fixture.image.configs.of(type, name));

describe("IncrementalAlterConfigs", () => {
  for (const version of [0, 1]) {
    it(`sets and deletes keys in v${version}, leaving others alone`, async () => {
      const fixture = await started();
      const { responses } = await alter(fixture, [change(TOPIC, "a", SET, "segment.ms", "5000")], false, version);
      expect(responses).to.deep.equal([{ errorCode: 0, errorMessage: null, resourceType: TOPIC, resourceName: "a" }]);
      expect(settings(fixture)).to.deep.equal({ "retention.ms": "1000", "segment.ms": "5000" });
      await alter(fixture, [change(TOPIC, "a", DELETE, "retention.ms", null)], false, version);
      expect(settings(fixture)).to.deep.equal({ "segment.ms": "5000" });
    });
  }

  it("appends to and subtracts from lists, beginning with the default", async () => {
    const fixture = await started();
    await alter(fixture, [change(TOPIC, "a", APPEND, "cleanup.policy", "compact,delete")]);
    expect(settings(fixture)["cleanup.policy"]).to.equal("delete,compact");
    await alter(fixture, [change(TOPIC, "a", SUBTRACT, "cleanup.policy", "delete")]);
    expect(settings(fixture)["cleanup.policy"]).to.equal("compact");
  });

  it("writes nothing for a value that is set already", async () => {
    const fixture = await started();
    const before = fixture.log.logEndOffset;
    await alter(fixture, [change(TOPIC, "a", SET, "retention.ms", "1000")]);
    expect(fixture.log.logEndOffset).to.equal(before);
  });

  it("changes nothing when it only validates", async () => {
    const fixture = await started();
    const before = fixture.log.logEndOffset;
    const { responses } = await alter(
      fixture,
      [change(TOPIC, "a", SET, "retention.ms", "5"), change(TOPIC, "b", SET, "retention.ms", "5")],
      true,
    );
    expect(responses.map(({ errorCode }) => errorCode)).to.deep.equal([0, Errors.UNKNOWN_TOPIC_OR_PARTITION]);
    expect(fixture.log.logEndOffset).to.equal(before);
  });

  it("keeps brokers, groups and client metrics subscriptions apart", async () => {
    const fixture = await started();
    const { responses } = await alter(fixture, [
      change(BROKER, "", SET, "log.cleaner.threads", "2"),
      change(BROKER, "1", SET, "log.cleaner.threads", "3"),
      change(GROUP, "g", SET, "consumer.session.timeout.ms", "50000"),
      change(METRICS, "m", SET, "interval.ms", "30000"),
    ]);
    expect(responses.map(({ errorCode }) => errorCode)).to.deep.equal([0, 0, 0, 0]);
    expect(settings(fixture, BROKER, "")).to.deep.equal({ "log.cleaner.threads": "2" });
    expect(settings(fixture, BROKER, "1")).to.deep.equal({ "log.cleaner.threads": "3" });
    expect(settings(fixture, GROUP, "g")).to.deep.equal({ "consumer.session.timeout.ms": "50000" });
    expect(settings(fixture, METRICS, "m")).to.deep.equal({ "interval.ms": "30000" });
  });

  it("clears eligible leader replicas when the minimum of replicas in sync changes", async () => {
    const fixture = await started();
    const { id } = fixture.image.topics.byName.get("a")!;
    await alter(fixture, [change(TOPIC, "a", SET, "min.insync.replicas", "1")]);
    expect(fixture.log.batches.at(-1)?.records).to.have.length(2);
    expect(fixture.image.topics.byId.get(id)?.partitions[0]?.eligibleLeaderReplicas).to.deep.equal([]);
  });

  it("refuses a resource given twice, and a key given twice", async () => {
    const fixture = await started();
    const twice = await alter(fixture, [
      change(TOPIC, "a", SET, "segment.ms", "5000"),
      change(TOPIC, "a", SET, "segment.ms", "6000"),
    ]);
    expect(twice.responses.map(({ errorCode }) => errorCode)).to.deep.equal([42, 42]);
    const configs = [
      { name: "segment.ms", configOperation: SET, value: "1" },
      { name: "segment.ms", configOperation: DELETE, value: null },
    ];
    const keys = await alter(fixture, [{ resourceType: TOPIC, resourceName: "a", configs }]);
    expect(keys.responses[0]?.errorCode).to.equal(Errors.INVALID_REQUEST);
    expect(settings(fixture)).to.deep.equal({ "retention.ms": "1000" });
  });

  const refusals: readonly [string, Resource, number][] = [
    ["an unknown topic", change(TOPIC, "nope", SET, "retention.ms", "1"), Errors.UNKNOWN_TOPIC_OR_PARTITION],
    ["an unknown topic key", change(TOPIC, "a", SET, "bogus", "1"), Errors.INVALID_CONFIG],
    ["a bad topic value", change(TOPIC, "a", SET, "retention.ms", "soon"), Errors.INVALID_CONFIG],
    ["appending to what is no list", change(TOPIC, "a", APPEND, "retention.ms", "1"), Errors.INVALID_CONFIG],
    ["subtracting from what is no list", change(TOPIC, "a", SUBTRACT, "retention.ms", "1"), Errors.INVALID_CONFIG],
    ["setting null", change(TOPIC, "a", SET, "retention.ms", null), Errors.INVALID_REQUEST],
    ["an unknown operation", change(TOPIC, "a", 9, "retention.ms", "1"), Errors.INVALID_REQUEST],
    ["an unknown broker", change(BROKER, "7", SET, "log.cleaner.threads", "2"), Errors.BROKER_ID_NOT_REGISTERED],
    ["a broker that is no number", change(BROKER, "x", SET, "log.cleaner.threads", "2"), Errors.INVALID_REQUEST],
    ["a key that needs a restart", change(BROKER, "", SET, "log.dirs", "/x"), Errors.INVALID_REQUEST],
    ["a bad broker value", change(BROKER, "", SET, "log.cleaner.threads", "many"), Errors.INVALID_REQUEST],
    ["a minimum in sync of one broker", change(BROKER, "1", SET, "min.insync.replicas", "2"), Errors.INVALID_CONFIG],
    ["a group without a name", change(GROUP, "", SET, "consumer.session.timeout.ms", "50000"), Errors.INVALID_REQUEST],
    ["an unknown group key", change(GROUP, "g", SET, "bogus", "1"), Errors.INVALID_CONFIG],
    ["a subscription without a name", change(METRICS, "", SET, "interval.ms", "30000"), Errors.INVALID_REQUEST],
    ["an unknown metrics key", change(METRICS, "m", SET, "bogus", "1"), Errors.INVALID_CONFIG],
    ["log levels", change(LOGGER, "1", SET, "root", "DEBUG"), Errors.INVALID_REQUEST],
    ["an unknown kind of resource", change(99, "x", SET, "a", "b"), Errors.INVALID_REQUEST],
  ];
  for (const [what, resource, errorCode] of refusals) {
    it(`refuses ${what} with ${errorName(errorCode)}`, async () => {
      const fixture = await started();
      const before = fixture.log.logEndOffset;
      const { responses } = await alter(fixture, [resource]);
      expect(responses[0]?.errorCode).to.equal(errorCode);
      expect(responses[0]?.errorMessage).to.be.a("string").and.not.equal("");
      expect(fixture.log.logEndOffset).to.equal(before);
    });
  }
});
