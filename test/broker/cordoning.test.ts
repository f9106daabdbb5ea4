import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { CreateTopics } from "../../protocol/apis/19-create-topics.ts";
import { AlterConfigs } from "../../protocol/apis/33-alter-configs.ts";
import { AlterReplicaLogDirs } from "../../protocol/apis/34-alter-replica-log-dirs.ts";
import { DescribeLogDirs } from "../../protocol/apis/35-describe-log-dirs.ts";
import { CreatePartitions } from "../../protocol/apis/37-create-partitions.ts";
import { IncrementalAlterConfigs } from "../../protocol/apis/44-incremental-alter-configs.ts";
import { Errors } from "../../protocol/errors.ts";
import { followCordoning } from "../../src/broker/cordoning.ts";
import type { Broker } from "../../src/broker.ts";
import { BrokerConfig } from "../../src/config/index.ts";
import { nullLogger } from "../../src/logging/index.ts";
import { incrementalAlterConfigs } from "../../src/metadata/controller/configs.ts";
import { emptyImage, type MetadataImage } from "../../src/metadata/image.ts";
import { batchOf, createTopic, produceTo, RawClient, startTestBroker } from "../support/broker.ts";

const KEY = "cordoned.log.dirs";
const BROKER = 4;
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3] as const;
const [VERSION_4_2, VERSION_4_3] = [29, 30] as const;

describe("cordoned log directories (KIP-1066)", () => {
  let root: string;
  let first: string;
  let second: string;
  let broker: Broker;
  let client: RawClient;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "samsa-cordoned-"));
    [first, second] = [join(root, "a"), join(root, "b")];
  });

  afterEach(async () => {
    client.close();
    await broker.stop();
    rmSync(root, { recursive: true, force: true });
  });

  async function start(config: Readonly<Record<string, string>> = {}): Promise<void> {
    broker = await startTestBroker({ config: { "log.dirs": `${first},${second}`, ...config } });
    client = await RawClient.connect(broker.address);
  }

  async function restart(): Promise<void> {
    client.close();
    await broker.stop();
    await start();
  }

  async function alter(value: string | null, configOperation: number = SET) {
    const configs = [{ name: KEY, configOperation, value }];
    const resources = [{ resourceType: BROKER, resourceName: String(broker.config.nodeId), configs }];
    const { responses } = await client.request(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
    return responses[0]!;
  }

  async function cordon(value: string | null, configOperation: number = SET): Promise<void> {
    const { errorCode, errorMessage } = await alter(value, configOperation);
    expect(errorCode, errorMessage ?? "").to.equal(0);
  }

  async function cordoned(): Promise<string[]> {
    const { results } = await client.request(DescribeLogDirs, 5, { topics: null });
    return results.filter(({ isCordoned }) => isCordoned).map(({ logDir }) => logDir);
  }

  /** Error codes until they are `expected`: the controller hears of cordoned directories by the next heartbeat. */
  async function eventually(attempt: () => Promise<number>, expected: number): Promise<void> {
    let found = -1;
    for (let tries = 0; tries < 100; tries += 1) {
      found = await attempt();
      if (found === expected) return;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    expect(found).to.equal(expected);
  }

  async function creating(name: string, validateOnly: boolean): Promise<number> {
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    const { topics } = await client.request(CreateTopics, 7, { topics: [topic], timeoutMs: 10_000, validateOnly });
    return topics[0]!.errorCode;
  }

  async function addingPartitions(name: string, count: number): Promise<number> {
    const topics = [{ name, count, assignments: null }];
    const { results } = await client.request(CreatePartitions, 3, { topics, timeoutMs: 10_000, validateOnly: true });
    return results[0]!.errorCode;
  }

  const partitionsIn = (path: string, topic: string) => readdirSync(path).filter(name => name.startsWith(`${topic}-`));

  async function move(topic: string, path: string): Promise<number> {
    const dirs = [{ path, topics: [{ name: topic, partitions: [0] }] }];
    const { results } = await client.request(AlterReplicaLogDirs, 2, { dirs });
    return results[0]!.partitions[0]!.errorCode;
  }

  it("get no new partitions, serve those that they have, and take no replica that is to move there", async () => {
    await start();
    await createTopic(client, "before", { partitions: 4 });
    expect(partitionsIn(first, "before")).to.have.length(2);
    await cordon(first);
    expect(await cordoned()).to.deep.equal([first]);
    await createTopic(client, "after", { partitions: 6 });
    expect(partitionsIn(first, "after")).to.deep.equal([]);
    expect(partitionsIn(second, "after")).to.have.length(6);
    for (let partition = 0; partition < 4; partition += 1) {
      const { errorCode } = await produceTo(client, { topic: "before", partition }, batchOf(["served"]));
      expect(errorCode).to.equal(0);
    }
    expect(await move("after", first)).to.equal(Errors.INVALID_REPLICA_ASSIGNMENT);
    expect(await move("after", "/nowhere")).to.equal(Errors.LOG_DIR_NOT_FOUND);
    await cordon(null, DELETE);
    expect(await cordoned()).to.deep.equal([]);
    expect(await move("after", first)).to.equal(0);
  });

  it("stay cordoned over a restart", async () => {
    await start();
    await cordon(second);
    await restart();
    expect(await cordoned()).to.deep.equal([second]);
    await createTopic(client, "later", { partitions: 3 });
    expect(partitionsIn(second, "later")).to.deep.equal([]);
  });

  it("when they are all of a broker, it gets no new partitions, until one of them is given back", async () => {
    await start();
    await createTopic(client, "before");
    await cordon(first);
    await cordon(second, APPEND);
    expect(await cordoned()).to.deep.equal([first, second]);
    await eventually(() => creating("new", true), Errors.INVALID_REPLICATION_FACTOR);
    expect(await addingPartitions("before", 2)).to.equal(Errors.INVALID_REPLICATION_FACTOR);
    await cordon(first, SUBTRACT);
    await eventually(() => addingPartitions("before", 2), 0);
    expect(await creating("new", false)).to.equal(0);
    expect(partitionsIn(first, "new")).to.deep.equal(["new-0"]);
  });

  it("are all meant by * in the file of settings: nothing is placed before the first word to the controller", async () => {
    await start({ [KEY]: "*" });
    expect(await cordoned()).to.deep.equal([first, second]);
    expect(await creating("new", true)).to.equal(Errors.INVALID_REPLICATION_FACTOR);
    await cordon("");
    expect(await cordoned()).to.deep.equal([]);
    await eventually(() => creating("new", true), 0);
  });

  it("are log directories of this broker: others are refused, and change nothing", async () => {
    await start();
    await cordon(first);
    for (const [value, operation, message] of [
      ["/nowhere", SET, /must be present in log\.dirs.*\/nowhere/],
      ["/nowhere", APPEND, /must be present in log\.dirs.*\/nowhere/],
      [`*,${second}`, SET, /must not contain other values/],
      ["*", APPEND, /must not contain other values/],
    ] as const) {
      const { errorCode, errorMessage } = await alter(value, operation);
      expect(errorCode).to.equal(Errors.INVALID_REQUEST);
      expect(errorMessage).to.match(message);
    }
    const resources = [
      {
        resourceType: BROKER,
        resourceName: String(broker.config.nodeId),
        configs: [{ name: KEY, value: "/nowhere" }],
      },
    ];
    const { responses } = await client.request(AlterConfigs, 2, { resources, validateOnly: false });
    expect(responses[0]!.errorCode).to.equal(Errors.INVALID_REQUEST);
    expect(await cordoned()).to.deep.equal([first]);
  });
});

describe("cordoned log directories before metadata.version 4.3-IV0", () => {
  const imageAt = (level: number): MetadataImage => ({
    ...emptyImage,
    features: new Map([["metadata.version", level]]) as unknown as MetadataImage["features"],
  });

  it("are nothing: the file of settings waits for the version", () => {
    const config = BrokerConfig.load({ overrides: { "log.dirs": "/a,/b", [KEY]: "*" } });
    const subscribers: (() => void)[] = [];
    const metadata = {
      image: imageAt(VERSION_4_2),
      subscribe: (listener: (image: never, delta: never) => void) => {
        subscribers.push(() => listener(undefined as never, undefined as never));
        return () => {};
      },
    };
    const directories = ["/a", "/b"].map(path => ({ path, isCordoned: false }));
    const cordoned = () => directories.filter(({ isCordoned }) => isCordoned).map(({ path }) => path);
    let changes = 0;
    const end = followCordoning({ config, logs: { directories }, metadata, logger: nullLogger }, () => (changes += 1));
    expect(cordoned()).to.deep.equal([]);
    metadata.image = imageAt(VERSION_4_3);
    for (const subscriber of [...subscribers, ...subscribers]) subscriber();
    expect(cordoned()).to.deep.equal(["/a", "/b"]);
    config.applyDynamic(new Map([[KEY, "/b"]]), new Map());
    expect(cordoned()).to.deep.equal(["/b"]);
    expect(changes).to.equal(2);
    end();
    config.applyDynamic(new Map([[KEY, ""]]), new Map());
    expect(changes).to.equal(2);
  });

  for (const [what, operation, value] of [
    ["set", SET, ""],
    ["set to a directory", SET, "/a"],
    ["taken away", DELETE, null],
  ] as const) {
    it(`cannot be ${what}`, () => {
      const config = BrokerConfig.load({ overrides: { "log.dirs": "/a,/b" } });
      const configs = [{ name: KEY, configOperation: operation, value }];
      const resources = [{ resourceType: BROKER, resourceName: "1", configs }];
      const at = (level: number) => {
        const image = imageAt(level);
        const cluster = { ...image.cluster, brokers: new Map([[1, {}]]) } as unknown as MetadataImage["cluster"];
        const operation = incrementalAlterConfigs({ resources, validateOnly: false }, { config });
        return operation.decide({ ...image, cluster }, {} as never, {} as never).response.responses[0]!;
      };
      expect(at(VERSION_4_2).errorCode).to.equal(Errors.INVALID_CONFIG);
      expect(at(VERSION_4_2).errorMessage).to.contain("requires metadata.version >= 4.3-IV0");
      expect(at(VERSION_4_3).errorCode).to.equal(0);
    });
  }
});
