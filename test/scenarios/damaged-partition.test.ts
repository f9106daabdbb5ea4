/** A broker that finds durable data damaged when it starts: what goes offline is as configured, and nothing of it is served or changed. */
import { expect } from "chai";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { DescribeLogDirs } from "../../protocol/apis/35-describe-log-dirs.ts";
import { Errors } from "../../protocol/errors.ts";
import { Broker } from "../../src/broker.ts";
import { memoryLogger, nullLogger } from "../../src/logging/index.ts";
import { createMemoryPlatform, LOSE_ALL, type MemoryDisk, type MemoryPlatform } from "../../src/platform/memory.ts";
import { RpcConnection } from "../../src/rpc/index.ts";
import { batchOf, fetchRequest, valuesOf } from "../support/broker.ts";
import { MemoryClient } from "../support/memory-client.ts";

const PORT = 9092;
const PARTITIONS = 4;
const VALUES = ["one", "two", "three"];
const CONFIG = {
  "log.dirs": "/first,/second",
  "samsa.log.disk.reserve.bytes": 0,
  "samsa.log.disk.reserve.ratio": 0,
  "log.flush.offset.checkpoint.interval.ms": 5_000,
};

describe("a broker that finds durable data damaged", () => {
  /** Partitions by the log directory that holds them. */
  let placed: Readonly<Record<string, readonly number[]>>;
  let platform: MemoryPlatform;
  let log: ReturnType<typeof memoryLogger>;
  let broker: Broker;
  let contents: Buffer;

  /** Writes to all partitions, crashes, damages one partition of the second directory, and starts again with `takes`. */
  async function startDamaged(takes: string): Promise<number> {
    const before = createMemoryPlatform({ seed: 5 });
    const { time } = before;
    await time.complete(Broker.start({ platform: before, port: PORT, config: CONFIG }));
    const client = await MemoryClient.connect(before, PORT);
    await time.complete(client.createTopic("t", PARTITIONS));
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      for (const value of VALUES) {
        const batch = batchOf([value], { timestamp: before.clock.now() });
        const { errorCode } = await time.complete(client.produce("t", partition, batch));
        expect(errorCode).to.equal(0);
      }
    await time.advance(10_000);
    before.fabric.crash("localhost");
    const disk = before.disk.survivor(LOSE_ALL);
    placed = { "/first": partitionsIn(disk, "/first"), "/second": partitionsIn(disk, "/second") };
    const damaged = placed["/second"]![0]!;
    contents = Buffer.from(disk.readFile(segmentOf(damaged)));
    contents[contents.length - 1]! ^= 1;
    disk.writeFile(segmentOf(damaged), contents);
    platform = { ...before, disk };
    log = memoryLogger();
    const config = { ...CONFIG, "samsa.log.corruption.takes": takes };
    broker = await time.complete(Broker.start({ platform, port: PORT, config, logger: log }));
    return damaged;
  }

  afterEach(async () => {
    await platform.time.complete(broker.stop());
  });

  it("takes that partition offline by default, and serves the others of its directory", async () => {
    const damaged = await startDamaged("partition");
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      expect(await read(partition), `t-${partition}`).to.deep.equal(
        partition === damaged ? Errors.KAFKA_STORAGE_ERROR : VALUES,
      );
    expect(await offlineDirectories()).to.deep.equal([]);
    expect(platform.disk.readFile(segmentOf(damaged)).equals(contents)).to.equal(true);
    expect(platform.disk.readFile(`/second/t-${damaged}/samsa.quarantine`).toString()).to.contain("checksum");
  });

  it("takes the whole log directory offline when told to, and serves the others", async () => {
    const damaged = await startDamaged("directory");
    for (const partition of placed["/second"]!)
      expect(await read(partition), `t-${partition}`).to.equal(Errors.KAFKA_STORAGE_ERROR);
    for (const partition of placed["/first"]!) expect(await read(partition), `t-${partition}`).to.deep.equal(VALUES);
    expect(await offlineDirectories()).to.deep.equal(["/second"]);
    expect(platform.disk.readFile(segmentOf(damaged)).equals(contents)).to.equal(true);
    expect(log.of("log.directory-offline")).to.have.length(1);
  });

  const segmentOf = (partition: number): string => `/second/t-${partition}/00000000000000000000.log`;

  /** The values of a partition, or the error. */
  async function read(partition: number): Promise<string[] | number> {
    const connection = await connect();
    const request = fetchRequest([{ topic: "t", partition }]);
    const { responses } = await platform.time.complete(connection.send(Fetch, 12, request));
    const [found] = responses[0]!.partitions;
    return found!.errorCode === 0 ? valuesOf(found!.records) : found!.errorCode;
  }

  async function offlineDirectories(): Promise<string[]> {
    const connection = await connect();
    const { results } = await platform.time.complete(connection.request(DescribeLogDirs, { topics: null }));
    return results.filter(({ errorCode }) => errorCode === Errors.KAFKA_STORAGE_ERROR).map(({ logDir }) => logDir);
  }

  async function connect(): Promise<RpcConnection> {
    const options = { host: "localhost", port: PORT, clientId: "test" };
    const connection = new RpcConnection(options, { platform, logger: nullLogger });
    await platform.time.complete(connection.connect());
    await platform.time.complete(connection.negotiate());
    return connection;
  }
});

function partitionsIn(disk: MemoryDisk, directory: string): number[] {
  const names = disk.list(directory).filter(name => /^t-\d+$/.test(name));
  expect(names, directory).to.have.length(2);
  return names.map(name => Number(name.slice(2)));
}
