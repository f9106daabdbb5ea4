import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { Metadata } from "../../protocol/apis/03-metadata.ts";
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

describe("a node whose log directory is not there at a start", () => {
  let root: string;
  let kept: string;
  let lost: string;
  let broker: Broker;
  let client: RawClient;
  /** The partition whose only replica is in {@link lost}, and the other. */
  let partition: number;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "samsa-unreadable-"));
    [kept, lost] = [join(root, "kept"), join(root, "lost")];
    await start([kept, lost]);
    await createTopic(client, TOPIC, { partitions: 2 });
    partition = Number(partitionsIn(lost)[0]!.slice(-1));
    for (const index of [0, 1]) expect(await produce(index, "acknowledged")).to.equal(0);
    await stop();
  });

  afterEach(async () => {
    await stop();
    rmSync(root, { recursive: true, force: true });
  });

  async function start(directories: readonly string[]): Promise<void> {
    broker = await startTestBroker({ config: { "log.dirs": directories.join(",") } });
    client = await RawClient.connect(broker.address);
  }

  async function stop(): Promise<void> {
    client.close();
    await broker.stop();
  }

  const partitionsIn = (path: string) => readdirSync(path).filter(name => /^orders-\d+$/.test(name));

  const produce = async (index: number, value: string) =>
    (await produceTo(client, { topic: TOPIC, partition: index }, batchOf([value]))).errorCode;

  async function leaders(): Promise<number[]> {
    const asked = {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    };
    const { topics } = await client.request(Metadata, 12, asked);
    return [...topics[0]!.partitions].sort((a, b) => a.partitionIndex - b.partitionIndex).map(p => p.leaderId);
  }

  /** The controller hears of a replica's directory a moment after the start. */
  async function eventually(expected: readonly boolean[]): Promise<void> {
    let found: boolean[] = [];
    for (let tries = 0; tries < 100; tries += 1) {
      found = (await leaders()).map(id => id >= 0);
      if (found.every((hasLeader, index) => hasLeader === expected[index])) return;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    expect(found).to.deep.equal(expected);
  }

  async function values(index: number): Promise<string[]> {
    const { responses } = await client.request(Fetch, 11, fetchRequest([{ topic: TOPIC, partition: index }]));
    return valuesOf(responses[0]!.partitions[0]!.records);
  }

  it("leads nothing of what is there and makes no empty log in its place; all is there when it is back", async () => {
    renameSync(lost, `${lost}.away`);
    writeFileSync(lost, "");
    for (const turn of [1, 2]) {
      await start([kept, lost]);
      await eventually([partition !== 0, partition !== 1]);
      expect(partitionsIn(kept)).to.deep.equal([`${TOPIC}-${1 - partition}`]);
      expect(await produce(partition, "refused")).to.not.equal(0);
      expect(await produce(1 - partition, `served ${turn}`)).to.equal(0);
      await stop();
    }
    rmSync(lost);
    renameSync(`${lost}.away`, lost);
    await start([kept, lost]);
    await eventually([true, true]);
    expect(await values(partition)).to.deep.equal(["acknowledged"]);
    expect(await values(1 - partition)).to.deep.equal(["acknowledged", "served 1", "served 2"]);
  });

  it("begins anew in the others when it is taken out of log.dirs", async () => {
    await start([kept]);
    await eventually([true, true]);
    expect(partitionsIn(kept).sort()).to.deep.equal([`${TOPIC}-0`, `${TOPIC}-1`]);
    expect(await produce(partition, "anew")).to.equal(Errors.NONE);
    expect(await values(partition)).to.deep.equal(["anew"]);
  });
});
