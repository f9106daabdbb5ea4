import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { deleteTopics } from "../../src/handlers/20-delete-topics.ts";
import { ControllerFixture, createTopic } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

const byName = (name: string) => ({ name, topicId: ZERO_UUID });
const byId = (topicId: string) => ({ name: null, topicId });

const remove = (fixture: ControllerFixture, topics: readonly { name: string | null; topicId: string }[]) =>
  call(fixture, deleteTopics, 6, { topics, topicNames: [], timeoutMs: 1000 });

describe("DeleteTopics", () => {
  for (let version = 1; version <= 6; version += 1) {
    it(`deletes by name in v${version}`, async () => {
      const fixture = await ControllerFixture.start();
      await createTopic(fixture, "a", { configs: [{ name: "retention.ms", value: "1" }] });
      const names = version < 6 ? { topics: [], topicNames: ["a"] } : { topics: [byName("a")], topicNames: [] };
      const { responses } = await call(fixture, deleteTopics, version, { ...names, timeoutMs: 1000 });
      expect(responses[0]).to.include({ name: "a", errorCode: 0 });
      expect(fixture.image.topics.size).to.equal(0);
      expect(fixture.image.configs.of(2, "a").size).to.equal(0);
    });
  }

  it("deletes by id and tells the name", async () => {
    const fixture = await ControllerFixture.start();
    const id = await createTopic(fixture, "a");
    const { responses } = await remove(fixture, [byId(id)]);
    expect(responses).to.deep.equal([{ name: "a", topicId: id, errorCode: 0, errorMessage: null }]);
  });

  it("lets a deleted name be created again under another id", async () => {
    const fixture = await ControllerFixture.start();
    const id = await createTopic(fixture, "a");
    await remove(fixture, [byName("a")]);
    expect(await createTopic(fixture, "a")).to.not.equal(id);
  });

  it("answers unknown names and ids with errors of their own", async () => {
    const fixture = await ControllerFixture.start();
    const { responses } = await remove(fixture, [byName("nope"), byId("AAAAAAAAAAAAAAAAAAAAFw")]);
    expect(responses.map(({ errorCode }) => errorCode)).to.deep.equal([
      Errors.UNKNOWN_TOPIC_OR_PARTITION,
      Errors.UNKNOWN_TOPIC_ID,
    ]);
  });

  it("refuses an entry with both name and id, or neither", async () => {
    const fixture = await ControllerFixture.start();
    const topicId = await createTopic(fixture, "a");
    const { responses } = await remove(fixture, [
      { name: "a", topicId },
      { name: null, topicId: ZERO_UUID },
    ]);
    expect(responses.map(({ errorCode }) => errorCode)).to.deep.equal([42, 42]);
    expect(fixture.image.topics.size).to.equal(1);
  });

  it("deletes no topic that is named twice, by whatever means", async () => {
    const fixture = await ControllerFixture.start();
    const [a, b, c] = [
      await createTopic(fixture, "a"),
      await createTopic(fixture, "b"),
      await createTopic(fixture, "c"),
    ];
    const { responses } = await remove(fixture, [byName("a"), byName("a"), byId(b), byId(b), byName("c"), byId(c)]);
    expect(a).to.not.equal(b);
    expect(responses.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])).to.deep.equal([
      [42, "Duplicate topic name."],
      [42, "Duplicate topic id."],
      [42, "The provided topic name maps to an ID that was already supplied."],
    ]);
    expect(fixture.image.topics.size).to.equal(3);
  });

  it("refuses when delete.topic.enable is off, in words the version knows", async () => {
    const fixture = await ControllerFixture.start({ config: { "delete.topic.enable": "false" } });
    await createTopic(fixture, "a");
    for (const [version, errorCode] of [
      [1, Errors.INVALID_REQUEST],
      [3, Errors.TOPIC_DELETION_DISABLED],
    ] as const) {
      const request = { topics: [], topicNames: ["a"], timeoutMs: 1000 };
      const { responses } = await call(fixture, deleteTopics, version, request);
      expect(responses[0]?.errorCode).to.equal(errorCode);
    }
  });
});
