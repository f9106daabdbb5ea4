import { expect } from "chai";
import { createMemoryWorld, MemoryFabric, type MemoryWorld } from "../../src/platform/memory.ts";
import { NodeTimers } from "../../src/platform/node-time.ts";
import type { Connection, ConnectionHandler } from "../../src/platform/platform.ts";
import { networkContract } from "./network-contract.ts";

networkContract("MemoryNetwork", () => {
  const fabric = new MemoryFabric({ lingerMs: 100 }, { timers: new NodeTimers() });
  return { network: fabric.host("localhost") };
});

/** Keeps what came and how it ended. */
class Recorder implements ConnectionHandler {
  text = "";
  drainedCount = 0;
  closedWith: (string | null)[] = [];
  readonly #window = Buffer.alloc(1024);

  buffer(): Uint8Array {
    return this.#window;
  }

  received(sizeBytes: number): void {
    this.text += this.#window.toString("latin1", 0, sizeBytes);
  }

  drained(): void {
    this.drainedCount++;
  }

  closed(error: string | null): void {
    this.closedWith.push(error);
  }
}

describe("MemoryFabric", () => {
  let world: MemoryWorld;
  let server: Connection;
  let atServer: Recorder;
  let client: Connection;
  let atClient: Recorder;

  beforeEach(async () => {
    world = createMemoryWorld({ seed: 1, network: { delayMs: () => 10 } });
    atServer = new Recorder();
    atClient = new Recorder();
    await world.fabric.host("a").listen({ host: "0.0.0.0", port: 9092 }, connection => {
      server = connection;
      connection.start(atServer);
    });
    client = await world.time.complete(world.fabric.host("b").connect("a", 9092));
    client.start(atClient);
  });

  it("connects hosts by name, after a way there and back", () => {
    expect(world.time.monotonic()).to.equal(20);
    expect(server.remoteHost).to.equal("b");
    expect(client.remoteHost).to.equal("a");
  });

  it("delays bytes by the way's delay", async () => {
    client.write([Buffer.from("x")]);
    await world.time.advance(9);
    expect(atServer.text).to.equal("");
    await world.time.advance(1);
    expect(atServer.text).to.equal("x");
  });

  it("does not know hosts that do not exist", async () => {
    const code = await world.time.complete(
      world.fabric
        .host("b")
        .connect("nowhere", 1)
        .catch(error => error.code),
    );
    expect(code).to.equal("ENOTFOUND");
  });

  it("hides listeners on the loopback address from other hosts", async () => {
    await world.fabric.host("a").listen({ host: "127.0.0.1", port: 9093 }, () => {});
    const code = await world.time.complete(
      world.fabric
        .host("b")
        .connect("a", 9093)
        .catch(error => error.code),
    );
    expect(code).to.equal("ECONNREFUSED");
    await world.time.complete(world.fabric.host("a").connect("127.0.0.1", 9093));
  });

  it("a partition holds bytes back, both ways, until it heals; nothing is lost or out of order", async () => {
    world.fabric.partition("a", "b");
    client.write([Buffer.from("1")]);
    client.write([Buffer.from("2")]);
    server.write([Buffer.from("3")]);
    await world.time.advance(10_000);
    expect([atServer.text, atClient.text]).to.deep.equal(["", ""]);
    world.fabric.heal("a", "b");
    client.write([Buffer.from("4")]);
    await world.time.advance(20);
    expect([atServer.text, atClient.text]).to.deep.equal(["124", "3"]);
  });

  it("a one-way partition lets the other way through", async () => {
    world.fabric.partition("b", "a", { oneWay: true });
    client.write([Buffer.from("held")]);
    server.write([Buffer.from("passes")]);
    await world.time.advance(1_000);
    expect([atServer.text, atClient.text]).to.deep.equal(["", "passes"]);
  });

  it("connecting through a partition times out", async () => {
    world.fabric.partition("a", "b");
    const attempt = world.fabric.host("b").connect("a", 9092, { timeoutMs: 500 });
    expect(await world.time.complete(attempt.catch(error => error.code))).to.equal("ETIMEDOUT");
  });

  it("a crashed host's connections are reset; its own handlers hear nothing", async () => {
    world.fabric.crash("a");
    await world.time.advance(100);
    expect(atClient.closedWith).to.deep.equal(["ECONNRESET"]);
    expect(atServer.closedWith).to.deep.equal([]);
    const code = await world.time.complete(
      world.fabric
        .host("b")
        .connect("a", 9092)
        .catch(error => error.code),
    );
    expect(code).to.equal("ECONNREFUSED");
    expect(world.fabric.connectionCount).to.equal(0);
  });

  it("a host that loses power says nothing", async () => {
    world.fabric.crash("a", { silent: true });
    client.write([Buffer.from("anyone?")]);
    await world.time.advance(60_000);
    expect(atClient.closedWith).to.deep.equal([]);
  });

  it("reset closes both ends with ECONNRESET", async () => {
    world.fabric.reset("a", "b");
    await world.time.advance(100);
    expect([atClient.closedWith, atServer.closedWith]).to.deep.equal([["ECONNRESET"], ["ECONNRESET"]]);
  });

  it("the same seed gives the same trace, event by event", async () => {
    const traceOf = async (seed: number): Promise<string> => {
      const run = createMemoryWorld({ seed, shuffle: true });
      const trace: string[] = [];
      const random = run.random.fork("delays");
      const fabric = new MemoryFabric({ delayMs: () => random.integer(3) }, { timers: run.time });
      await fabric.host("a").listen({ host: "a", port: 1 }, connection => {
        const recorder = new Recorder();
        recorder.received = sizeBytes => {
          trace.push(`${run.time.monotonic()} ${connection.remotePort} ${sizeBytes}`);
          connection.write([Buffer.alloc(sizeBytes)]);
        };
        connection.start(recorder);
      });
      for (let index = 0; index < 5; index++) {
        fabric
          .host("b")
          .connect("a", 1)
          .then(connection => {
            connection.start(new Recorder());
            connection.write([Buffer.alloc(3_000)]);
          });
      }
      await run.time.advance(100);
      return trace.join("\n");
    };
    expect(await traceOf(5)).to.equal(await traceOf(5));
    expect(await traceOf(5)).to.not.equal(await traceOf(6));
  });
});
