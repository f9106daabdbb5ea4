import { expect } from "chai";
import { Heartbeat } from "../../protocol/index.ts";
import { memoryLogger } from "../../src/logging/index.ts";
import { createMemoryPlatform, createMemoryWorld, type MemoryWorld } from "../../src/platform/memory.ts";
import { RpcClient } from "../../src/rpc/rpc-client.ts";
import { RpcError } from "../../src/rpc/rpc-error.ts";
import { FakeBroker } from "./fake-broker.ts";

const HEARTBEAT = { groupId: "group", generationId: 3, memberId: "member" };

describe("RpcClient", () => {
  let world: MemoryWorld;
  let broker: FakeBroker;
  let client: RpcClient;
  let seen: string[];

  beforeEach(async () => {
    world = createMemoryWorld({ seed: 1, network: { delayMs: () => 1 } });
    broker = await startBroker();
    seen = [];
    client = new RpcClient(
      { host: "broker", port: 9092, clientId: "tester", reconnectBackoffMs: 100, reconnectBackoffMaxMs: 400 },
      {
        platform: createMemoryPlatform({ world, host: "client" }),
        logger: memoryLogger(),
        observer: {
          connected: () => seen.push("connected"),
          disconnected: error => seen.push(`disconnected ${error.code}`),
          connectFailed: (error, failureCount) => seen.push(`failed ${error.code} ${failureCount}`),
        },
      },
    );
  });

  async function startBroker(): Promise<FakeBroker> {
    const started = await FakeBroker.start(world.fabric.host("broker"), "0.0.0.0", 9092);
    started.versions.push([Heartbeat, 0, 4]);
    started.onRequest = request => request.reply({ throttleTimeMs: 0, errorCode: 0 });
    return started;
  }

  function heartbeat(): Promise<string> {
    return world.time.complete(
      client.request(Heartbeat, HEARTBEAT).then(
        () => "ok",
        (error: RpcError) => error.code,
      ),
    );
  }

  it("connects and negotiates once for many requests", async () => {
    await world.time.complete(Promise.all([1, 2, 3].map(() => client.request(Heartbeat, HEARTBEAT))));
    expect(broker.connections).to.have.length(1);
    expect(broker.requests.map(({ header }) => header.apiKey)).to.deep.equal([18, 12, 12, 12]);
    expect(seen).to.deep.equal(["connected"]);
    expect(client.isConnected).to.equal(true);
  });

  it("uses the versions a request is limited to", async () => {
    await world.time.complete(client.request(Heartbeat, HEARTBEAT, { versions: { max: 1 } }));
    expect(broker.received[0]!.header.apiVersion).to.equal(1);
  });

  it("makes a new connection after one is lost, and does not send again what was lost", async () => {
    expect(await heartbeat()).to.equal("ok");
    broker.onRequest = request => request.connection.destroy();
    expect(await heartbeat()).to.equal("closed");
    broker.onRequest = request => request.reply({ throttleTimeMs: 0, errorCode: 0 });
    expect(await heartbeat()).to.equal("ok");
    expect(broker.connections).to.have.length(2);
    expect(broker.received).to.have.length(3);
    expect(seen).to.deep.equal(["connected", "disconnected closed", "connected"]);
  });

  it("waits longer after each failed attempt, up to the limit, give or take a fifth, and starts over once connected", async () => {
    world.fabric.crash("broker");
    const waitsMs: number[] = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      const startMs = world.time.monotonic();
      expect(await heartbeat()).to.equal("connect");
      waitsMs.push(world.time.monotonic() - startMs);
    }
    const expectedMs = [0, 100, 200, 400, 400, 400];
    for (const [index, waitMs] of waitsMs.entries()) {
      expect(waitMs).to.be.within(expectedMs[index]! * 0.8, expectedMs[index]! * 1.2 + 5);
    }
    expect(new Set(waitsMs.slice(3)).size, "jitter").to.be.greaterThan(1);
    expect(client.failureCount).to.equal(6);
    broker = await startBroker();
    expect(await heartbeat()).to.equal("ok");
    expect(client.failureCount).to.equal(0);
    expect(seen.slice(-2)).to.deep.equal(["failed connect 6", "connected"]);
  });

  it("close rejects what waits for a connection, and everything after", async () => {
    world.fabric.crash("broker");
    expect(await heartbeat()).to.equal("connect");
    const waiting = client.request(Heartbeat, HEARTBEAT).catch(error => error);
    client.close();
    const startMs = world.time.monotonic();
    expect(await world.time.complete(waiting)).to.be.instanceOf(RpcError);
    expect(world.time.monotonic()).to.equal(startMs);
    expect(await heartbeat()).to.equal("connect");
  });
});
