import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { DeleteTopics } from "../../protocol/apis/20-delete-topics.ts";
import { AlterReplicaLogDirs } from "../../protocol/apis/34-alter-replica-log-dirs.ts";
import { DescribeLogDirs } from "../../protocol/apis/35-describe-log-dirs.ts";
import { IncrementalAlterConfigs } from "../../protocol/apis/44-incremental-alter-configs.ts";
import { Errors } from "../../protocol/errors.ts";
import type { Broker } from "../../src/broker.ts";
import {
  batchOf,
  createTopic,
  fetchRequest,
  produceTo,
  RawClient,
  startTestBroker,
  valuesOf,
} from "../support/broker.ts";

const TOPIC = "orders";

describe("AlterReplicaLogDirs", () => {
  let root: string;
  let directories: string[];
  let broker: Broker;
  let client: RawClient;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "samsa-directories-"));
    directories = ["a", "b", "c"].map(name => join(root, name));
    await start();
  });

  afterEach(async () => {
    client.close();
    await broker.stop();
    rmSync(root, { recursive: true, force: true });
  });

  async function start(): Promise<void> {
    broker = await startTestBroker({ config: { "log.dirs": directories.join(",") } });
    client = await RawClient.connect(broker.address);
  }

  async function restart(): Promise<void> {
    client.close();
    await broker.stop();
    await start();
  }

  async function alter(path: string, version = 2, topic = TOPIC, partitions: readonly number[] = [0]) {
    const dirs = [{ path, topics: [{ name: topic, partitions: [...partitions] }] }];
    const { results } = await client.request(AlterReplicaLogDirs, version, { dirs });
    expect(results.map(({ topicName }) => topicName)).to.deep.equal([topic]);
    return results[0]!.partitions.map(({ errorCode }) => errorCode);
  }

  /** Where the replica is, and where a copy of it grows. */
  async function places(): Promise<{ current: string[]; future: string[] }> {
    const { results } = await client.request(DescribeLogDirs, 4, { topics: null });
    const holding = (isFuture: boolean) =>
      results
        .filter(({ topics }) =>
          topics.some(({ name, partitions }) => name === TOPIC && partitions.some(p => p.isFutureKey === isFuture)),
        )
        .map(({ logDir }) => logDir);
    return { current: holding(false), future: holding(true) };
  }

  async function movedTo(path: string): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      const { current, future } = await places();
      if (current[0] === path && future.length === 0) return;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    throw new Error(`not moved: ${JSON.stringify(await places())}`);
  }

  async function throttle(value: string | null): Promise<void> {
    const configs = [
      {
        name: "replica.alter.log.dirs.io.max.bytes.per.second",
        configOperation: value === null ? 1 : 0,
        value,
      },
    ];
    const resources = [{ resourceType: 4, resourceName: "", configs }];
    const { responses } = await client.request(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
    expect(responses[0]!.errorCode).to.equal(0);
  }

  async function other(): Promise<string> {
    const { current } = await places();
    return directories.find(path => !current.includes(path))!;
  }

  async function values(): Promise<string[]> {
    const values: string[] = [];
    for (;;) {
      const asked = fetchRequest([{ topic: TOPIC, fetchOffset: values.length }]);
      const { responses } = await client.request(Fetch, 11, asked);
      const found = valuesOf(responses[0]!.partitions[0]!.records);
      if (found.length === 0) return values;
      values.push(...found);
    }
  }

  const produce = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) =>
      produceTo(client, { topic: TOPIC }, batchOf([`${from + n}`.padStart(10, "0").repeat(100)])),
    );

  for (const version of [1, 2]) {
    it(`v${version} moves a replica that is written to, and tells the metadata of it`, async () => {
      await createTopic(client, TOPIC);
      const target = await other();
      await Promise.all(produce(0, 200));
      expect(await alter(target, version)).to.deep.equal([0]);
      let written = 200;
      const results = [];
      for (; (await places()).current[0] !== target; written += 20)
        results.push(...(await Promise.all(produce(written, 20))));
      results.push(...(await Promise.all(produce(written, 20))));
      written += 20;
      expect(results.map(({ errorCode }) => errorCode)).to.deep.equal(results.map(() => 0));
      await movedTo(target);
      expect(readdirSync(target).filter(name => name.startsWith(TOPIC))).to.deep.equal([`${TOPIC}-0`]);
      expect((await values()).map(value => Number(value.slice(0, 10)))).to.deep.equal(
        Array.from({ length: written }, (_, n) => n),
      );
      await restart();
      expect(await places()).to.deep.equal({ current: [target], future: [] });
      expect(await values()).to.have.length(written);
    });
  }

  it("shows a throttled copy, gives it up when the replica is to be where it is, and goes on with one after a restart", async () => {
    await createTopic(client, TOPIC);
    const [current] = (await places()).current;
    const target = await other();
    await throttle("1");
    for (let n = 0; n < 30; n += 1) await Promise.all(produce(n * 100, 100));
    expect(await alter(target)).to.deep.equal([0]);
    expect(await places()).to.deep.equal({ current: [current], future: [target] });
    expect(await alter(current!)).to.deep.equal([0]);
    expect(await places()).to.deep.equal({ current: [current], future: [] });
    const third = directories.find(path => path !== current && path !== target)!;
    await alter(target);
    expect(await alter(third)).to.deep.equal([0]);
    expect(await places()).to.deep.equal({ current: [current], future: [third] });
    await restart();
    expect((await places()).future).to.deep.equal([third]);
    await throttle(null);
    await movedTo(third);
    expect((await values())[0]).to.match(/^0000000000/);
  });

  it("refuses directories and partitions that are not here, and remembers where one is wanted", async () => {
    await createTopic(client, TOPIC);
    expect(await alter("/nowhere")).to.deep.equal([Errors.LOG_DIR_NOT_FOUND]);
    expect(await alter(directories[0]!, 2, "x".repeat(249))).to.deep.equal([Errors.INVALID_TOPIC_EXCEPTION]);
    for (const [index, path] of directories.entries()) {
      expect(await alter(path, 2, `later${index}`)).to.deep.equal([Errors.UNKNOWN_TOPIC_OR_PARTITION]);
      await createTopic(client, `later${index}`);
      expect(readdirSync(path)).to.include(`later${index}-0`);
    }
    expect((await places()).future).to.deep.equal([]);
  });

  it("a topic that is deleted while it moves leaves nothing", async () => {
    await createTopic(client, TOPIC);
    await throttle("1");
    await Promise.all(produce(0, 50));
    const target = await other();
    await alter(target);
    await client.request(DeleteTopics, 3, { topics: [], topicNames: [TOPIC], timeoutMs: 10_000 });
    expect(await places()).to.deep.equal({ current: [], future: [] });
    const left = directories.flatMap(path => readdirSync(path).filter(name => /^orders-0(\..*-future)?$/.test(name)));
    expect(left).to.deep.equal([]);
  });
});
