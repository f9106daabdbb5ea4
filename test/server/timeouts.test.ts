import { expect } from "chai";
import { Heartbeat } from "../../protocol/apis/12-heartbeat.ts";
import type { BrokerServices } from "../../src/handlers/context.ts";
import { type Handler, handler } from "../../src/handlers/handler.ts";
import { memoryLogger } from "../../src/logging/index.ts";
import { Metrics } from "../../src/metrics/index.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import type { Connection } from "../../src/platform/platform.ts";
import { Dispatcher } from "../../src/server/dispatcher.ts";
import { Server, type ServerOptions } from "../../src/server/server.ts";
import { requestBytes } from "../support/raw-client.ts";

/** A server in virtual time; its one handler answers with as many bytes as the group id has. */
class World {
  readonly platform = createMemoryPlatform({ seed: 1 });
  readonly logger = memoryLogger();
  readonly server: Server;
  port = 0;

  constructor(options: Partial<ServerOptions["limits"]> = {}) {
    const { platform, logger } = this;
    const modules = { clock: platform.clock, logger, metrics: new Metrics() };
    const dispatcher = new Dispatcher({ handlers: [heartbeat] as unknown as readonly Handler[] }, modules);
    dispatcher.attach("broker", {} as BrokerServices);
    this.server = new Server(
      {
        connection: {
          maxFrameBytes: 100 << 20,
          maxIdleMs: 600_000,
          frameTimeoutMs: 30_000,
          maxUnsentBytes: 1000,
          unsentTimeoutMs: 60_000,
          maxInFlight: 1000,
          maxQueued: 500,
        },
        limits: {
          maxConnections: 10_000,
          maxConnectionsPerIp: 10_000,
          maxConnectionsPerIpOverrides: new Map(),
          maxCreationRate: 1_000_000,
          ...options,
        },
        receiveWindowBytes: 64 * 1024,
        maxRequestBytes: 256 << 20,
        backlog: 50,
      },
      { ...modules, platform, dispatcher },
    );
  }

  async open(): Promise<this> {
    const options = { name: "T", host: "localhost", port: 0, role: "broker", securityProtocol: "PLAINTEXT" } as const;
    this.port = (await this.server.bind(options)).port;
    this.server.open();
    return this;
  }

  async connect(): Promise<Client> {
    const client = new Client(await this.platform.time.complete(this.platform.network.connect("localhost", this.port)));
    return client;
  }

  /** Why connections were closed, in order. */
  get reasons(): unknown[] {
    return this.logger.of("connection.closed").map(({ fields }) => fields.reason);
  }
}

class Client {
  readonly connection: Connection;
  receivedBytes = 0;
  isClosed = false;

  constructor(connection: Connection) {
    this.connection = connection;
    const buffer = Buffer.alloc(64 * 1024);
    connection.start({
      buffer: () => buffer,
      received: sizeBytes => {
        this.receivedBytes += sizeBytes;
      },
      drained: () => {},
      closed: () => {
        this.isClosed = true;
      },
    });
  }

  write(bytes: Buffer): void {
    this.connection.write([bytes]);
  }
}

const heartbeat = handler(
  Heartbeat,
  () => ({ throttleTimeMs: 0, errorCode: 0 }),
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
);
const beat = () => requestBytes(Heartbeat, 3, 1, { groupId: "g", generationId: 0, memberId: "m" });

describe("Server in time", () => {
  it("closes a connection that is idle for connections.max.idle.ms, counted from its last request", async () => {
    const world = await new World().open();
    const client = await world.connect();
    await world.platform.time.advance(500_000);
    client.write(beat());
    await world.platform.time.advance(599_000);
    expect(client.isClosed).to.equal(false);
    await world.platform.time.advance(3_000);
    expect(client.isClosed).to.equal(true);
    expect(world.reasons).to.deep.equal(["idle"]);
  });

  it("closes a connection that sends part of a request and then nothing", async () => {
    const world = await new World().open();
    const client = await world.connect();
    client.write(beat().subarray(0, 10));
    await world.platform.time.advance(29_000);
    expect(client.isClosed).to.equal(false);
    await world.platform.time.advance(3_000);
    expect(client.isClosed).to.equal(true);
    expect(world.reasons).to.deep.equal(["frame-timeout"]);
  });

  it("does not take a byte now and then for progress", async () => {
    const world = await new World().open();
    const client = await world.connect();
    const length = Buffer.alloc(4);
    length.writeInt32BE(1_000_000);
    client.write(length);
    for (let second = 0; second < 32; second++) {
      client.write(Buffer.alloc(1));
      await world.platform.time.advance(1_000);
    }
    expect(client.isClosed).to.equal(true);
  });

  it("bears with a slow client that makes progress", async () => {
    const world = await new World().open();
    const client = await world.connect();
    const length = Buffer.alloc(4);
    length.writeInt32BE(200_000);
    client.write(length);
    for (let minute = 0; minute < 10; minute++) {
      client.write(Buffer.alloc(2_000));
      await world.platform.time.advance(25_000);
    }
    expect(client.isClosed).to.equal(false);
  });

  it("keeps a connection whose reads always end inside a small request", async () => {
    const world = await new World().open();
    const client = await world.connect();
    const bytes = beat();
    let stream = Buffer.alloc(0);
    for (let second = 0; second < 100; second++) {
      stream = Buffer.concat([stream, bytes]);
      client.write(stream.subarray(0, stream.length - 5));
      stream = stream.subarray(stream.length - 5);
      await world.platform.time.advance(1_000);
    }
    expect(client.isClosed).to.equal(false);
  });

  it("takes almost no memory for 2,000 connections that announce 100 MB each, and closes them", async () => {
    const world = await new World().open();
    const announced = Buffer.alloc(14);
    announced.writeInt32BE(100 << 20);
    const clients: Client[] = [];
    for (let index = 0; index < 2_000; index++) clients.push(await world.connect());
    for (const client of clients) client.write(announced);
    await world.platform.time.advance(1_000);
    expect(world.server.budget.usedBytes).to.be.at.most(2_000 * 1024);
    expect(world.server.connectionCount).to.equal(2_000);
    await world.platform.time.advance(35_000);
    expect(world.server.connectionCount).to.equal(0);
    expect(world.server.budget.usedBytes).to.equal(0);
  });

  it("reads no faster from new connections than max.connection.creation.rate", async () => {
    const world = await new World({ maxCreationRate: 10 }).open();
    const clients: Client[] = [];
    for (let index = 0; index < 30; index++) {
      const client = new Client(
        await world.platform.time.complete(world.platform.network.connect("localhost", world.port)),
      );
      client.write(beat());
      clients.push(client);
    }
    await world.platform.time.advance(1);
    const answered = () => clients.filter(({ receivedBytes }) => receivedBytes > 0).length;
    expect(answered()).to.be.within(10, 12);
    await world.platform.time.advance(1_000);
    expect(answered()).to.be.within(20, 22);
    await world.platform.time.advance(2_000);
    expect(answered()).to.equal(30);
  });
});
