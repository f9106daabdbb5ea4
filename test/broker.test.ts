import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Fetch } from "../protocol/apis/01-fetch.ts";
import { Metadata } from "../protocol/apis/03-metadata.ts";
import { ApiVersions } from "../protocol/apis/18-api-versions.ts";
import { DescribeConfigs } from "../protocol/apis/32-describe-configs.ts";
import { ZERO_UUID } from "../protocol/schema.ts";
import { Broker, BrokerStartError } from "../src/broker.ts";
import { memoryLogger } from "../src/logging/index.ts";
import { createMemoryPlatform, LOSE_ALL } from "../src/platform/memory.ts";
import {
  batchOf,
  createTopic,
  fetchRequest,
  produceTo,
  RawClient,
  startTestBroker,
  valuesOf,
} from "./support/broker.ts";

describe("Broker", () => {
  const directories: string[] = [];
  const brokers: Broker[] = [];
  afterEach(async () => {
    for (const broker of brokers.splice(0)) await broker.stop();
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
  });

  function directory(): string {
    const path = mkdtempSync(join(tmpdir(), "samsa-test-"));
    directories.push(path);
    return path;
  }

  async function start(options: Parameters<typeof startTestBroker>[0]): Promise<Broker> {
    const broker = await startTestBroker(options);
    brokers.push(broker);
    return broker;
  }

  async function readAll(client: RawClient, topic: string, partition = 0): Promise<string[]> {
    const request = fetchRequest([{ topic, partition, partitionMaxBytes: 50 << 20 }], { maxWaitMs: 500 });
    const body = await client.request(Fetch, 12, request);
    return valuesOf(body.responses[0]!.partitions[0]!.records);
  }

  it("starts on a free port and serves", async () => {
    const broker = await start({});
    expect(broker.address.host).to.equal("127.0.0.1");
    expect(broker.address.port).to.be.above(0);
    expect(broker.clusterId).to.have.length(22);
    const client = await RawClient.connect(broker.address);
    const software = { clientSoftwareName: "test", clientSoftwareVersion: "1" };
    expect((await client.request(ApiVersions, 3, software)).errorCode).to.equal(0);
    client.close();
  });

  it("keeps topics, configurations and records over a clean restart", async () => {
    const dataDir = directory();
    const first = await start({ dataDir });
    let client = await RawClient.connect(first.address);
    await createTopic(client, "kept", { partitions: 3, configs: { "retention.ms": "12345678" } });
    for (let partition = 0; partition < 3; partition++) {
      await produceTo(client, { topic: "kept", partition }, batchOf([`p${partition}`, "x"]));
    }
    await first.stop();
    await client.closed();

    const second = await start({ dataDir });
    expect(second.clusterId).to.equal(first.clusterId);
    client = await RawClient.connect(second.address);
    for (let partition = 0; partition < 3; partition++) {
      expect(await readAll(client, "kept", partition)).to.deep.equal([`p${partition}`, "x"]);
      const { baseOffset } = await produceTo(client, { topic: "kept", partition }, batchOf(["later"]));
      expect(baseOffset).to.equal(2);
    }
    const described = await client.request(DescribeConfigs, 4, {
      resources: [{ resourceType: 2, resourceName: "kept", configurationKeys: ["retention.ms"] }],
      includeSynonyms: false,
      includeDocumentation: false,
    });
    expect(described.results[0]!.configs[0]!.value).to.equal("12345678");
    client.close();
  });

  it("answers who came too early once it leads again what it led", async () => {
    const dataDir = directory();
    const first = await start({ dataDir });
    const { port } = first.address;
    const client = await RawClient.connect(first.address);
    await createTopic(client, "kept");
    client.close();
    await first.stop();

    const restarted = start({ dataDir, port });
    const early = await connectAsSoonAsPossible({ host: "127.0.0.1", port });
    const request = {
      topics: [{ name: "kept", topicId: ZERO_UUID }],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    };
    const { controllerId, topics } = await early.request(Metadata, 7, request);
    await restarted;
    expect(controllerId).to.equal(1);
    expect(topics[0]!.partitions.map(({ errorCode, leaderId }) => ({ errorCode, leaderId }))).to.deep.equal([
      { errorCode: 0, leaderId: 1 },
    ]);
    early.close();
  });

  it("says that a port is in use, and leaves nothing behind", async () => {
    const taken = await start({});
    const dataDir = directory();
    const { port } = taken.address;
    const error = await startTestBroker({ dataDir, port }).then(
      () => null,
      (failure: unknown) => failure,
    );
    expect(error).to.be.instanceOf(BrokerStartError);
    expect((error as Error).message).to.include(`port ${port} is in use`);
    // The directory is free for another.
    await start({ dataDir });
  });

  it("refuses a directory that another broker uses", async () => {
    const dataDir = directory();
    await start({ dataDir });
    const error = await startTestBroker({ dataDir }).then(
      () => null,
      (failure: unknown) => failure,
    );
    expect((error as Error).name).to.equal("StorageError");
  });

  it("stops twice as well as once, and while clients wait", async () => {
    const broker = await start({});
    const client = await RawClient.connect(broker.address);
    await createTopic(client, "parked");
    client.send(Fetch, 12, fetchRequest([{ topic: "parked" }], { maxWaitMs: 60_000 }));
    await new Promise(resolve => setTimeout(resolve, 20));
    const startedMs = performance.now();
    await Promise.all([broker.stop(), broker.stop()]);
    expect(performance.now() - startedMs).to.be.below(2_000);
    await client.closed();
  });

  it("applies a topic's new configuration to its log at once", async () => {
    const broker = await start({});
    const client = await RawClient.connect(broker.address);
    await createTopic(client, "changing");
    const { IncrementalAlterConfigs } = await import("../protocol/apis/44-incremental-alter-configs.ts");
    await client.request(IncrementalAlterConfigs, 1, {
      resources: [
        {
          resourceType: 2,
          resourceName: "changing",
          configs: [{ name: "max.message.bytes", configOperation: 0, value: "100" }],
        },
      ],
      validateOnly: false,
    });
    const { errorCode } = await produceTo(client, { topic: "changing" }, batchOf(["x".repeat(200)]));
    expect(errorCode).to.equal(10);
    client.close();
  });

  it("serves metrics where it is told to", async () => {
    const broker = await start({ config: { "samsa.metrics.listener": "127.0.0.1:0" } });
    const { host, port } = broker.metricsAddress!;
    const response = await fetch(`http://${host}:${port}/metrics`);
    expect(await response.text()).to.include("samsa_partitions");
  });
});

describe("Broker on a disk that loses what was not synced", () => {
  it("keeps every batch acknowledged with acks=all, and starts again", async () => {
    const platform = createMemoryPlatform({ seed: 3 });
    const { time } = platform;
    const config = { "samsa.log.disk.reserve.bytes": 0, "samsa.log.disk.reserve.ratio": 0 };
    const logger = memoryLogger();
    const options = { platform, dataDir: "/data", port: 9092, logger, config };
    const broker = await time.complete(Broker.start(options));
    const { MemoryClient } = await import("./support/memory-client.ts");
    let client = await MemoryClient.connect(platform, 9092);
    await time.complete(client.createTopic("t", 2));
    const acknowledged: string[][] = [[], []];
    for (let index = 0; index < 50; index++) {
      const partition = index % 2;
      const { errorCode } = await time.complete(
        client.produce("t", partition, batchOf([`v${index}`], { timestamp: platform.clock.now() })),
      );
      expect(errorCode).to.equal(0);
      acknowledged[partition]!.push(`v${index}`);
    }
    // Not waited for: these may be lost.
    client.produce("t", 0, batchOf(["maybe"], { timestamp: platform.clock.now() })).catch(() => {});
    platform.fabric.crash("localhost");
    platform.disk.crash(LOSE_ALL);
    expect(broker.isRunning).to.equal(true);

    const again = await time.complete(Broker.start(options));
    client = await MemoryClient.connect(platform, 9092);
    for (let partition = 0; partition < 2; partition++) {
      const values = await time.complete(client.values("t", partition));
      expect(values.slice(0, 25)).to.deep.equal(acknowledged[partition]);
    }
    await time.complete(again.stop());
  });
});

/** A connection to a broker that has yet to listen. */
async function connectAsSoonAsPossible(address: { host: string; port: number }): Promise<RawClient> {
  for (;;) {
    try {
      return await RawClient.connect(address);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED") throw error;
    }
  }
}
