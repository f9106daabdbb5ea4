import { expect } from "chai";
import { Produce } from "../../protocol/apis/00-produce.ts";
import { Metadata } from "../../protocol/apis/03-metadata.ts";
import { Heartbeat } from "../../protocol/apis/12-heartbeat.ts";
import { ApiVersions } from "../../protocol/apis/18-api-versions.ts";
import { Vote } from "../../protocol/apis/52-vote.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { BrokerServices } from "../../src/handlers/context.ts";
import { CloseConnectionError, type Handler, handler, orderedHandler } from "../../src/handlers/handler.ts";
import { memoryLogger } from "../../src/logging/index.ts";
import { Metrics } from "../../src/metrics/index.ts";
import { createNodePlatform } from "../../src/platform/node.ts";
import { Dispatcher } from "../../src/server/dispatcher.ts";
import { Server, type ServerOptions } from "../../src/server/server.ts";
import { RawClient, requestBytes } from "../support/raw-client.ts";

type Deferred = PromiseWithResolvers<void> & { readonly name: string };

/** A server whose handlers do what the test says. */
class Harness {
  readonly logger = memoryLogger();
  readonly metrics = new Metrics();
  readonly server: Server;
  /** What handlers have begun, in order. */
  readonly begun: string[] = [];
  /** Handlers that wait to be let go. */
  readonly waiting: Deferred[] = [];
  readonly #clients: RawClient[] = [];
  address = { host: "127.0.0.1", port: 0 };

  constructor(options: { [K in keyof ServerOptions]?: Partial<ServerOptions[K]> } = {}) {
    const platform = createNodePlatform();
    const modules = { clock: platform.clock, logger: this.logger, metrics: this.metrics };
    const dispatcher = new Dispatcher({ handlers: this.#handlers() }, modules);
    dispatcher.attach("broker", {} as BrokerServices);
    this.server = new Server(
      {
        connection: {
          maxFrameBytes: 1 << 20,
          maxIdleMs: 600_000,
          frameTimeoutMs: 30_000,
          maxUnsentBytes: 64 << 20,
          unsentTimeoutMs: 60_000,
          maxInFlight: 1000,
          maxQueued: 500,
          ...options.connection,
        },
        limits: {
          maxConnections: 100,
          maxConnectionsPerIp: 100,
          maxConnectionsPerIpOverrides: new Map(),
          maxCreationRate: 10_000,
          ...options.limits,
        },
        receiveWindowBytes: 64 * 1024,
        maxRequestBytes: 1 << 20,
        backlog: 50,
      },
      { ...modules, platform, dispatcher },
    );
  }

  async open(role: "broker" | "controller" = "broker"): Promise<this> {
    await this.bind(role);
    this.server.open();
    return this;
  }

  /** Accepts connections, and reads nothing from them. */
  async bind(role: "broker" | "controller" = "broker"): Promise<void> {
    const options = { name: "TEST", host: "127.0.0.1", port: 0, role, securityProtocol: "PLAINTEXT" };
    const { port } = await this.server.bind(options);
    this.address = { host: "127.0.0.1", port };
  }

  async client(): Promise<RawClient> {
    const client = await RawClient.connect(this.address);
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.stop(0);
  }

  /** Waits until so many connections are accepted. */
  async untilConnected(count: number): Promise<void> {
    while (this.server.connectionCount < count) await new Promise(resolve => setTimeout(resolve, 1));
  }

  /** Waits until so many handlers have begun. */
  async untilBegun(count: number): Promise<void> {
    while (this.begun.length < count) await new Promise(resolve => setTimeout(resolve, 1));
  }

  #hold(name: string): Promise<void> {
    const deferred = { ...Promise.withResolvers<void>(), name };
    this.waiting.push(deferred);
    return deferred.promise;
  }

  /** Heartbeat by its group id: `now`, `fail:<code>`, `throw`, anything else waits. Produce waits, with acks=0 it has no answer. */
  #handlers(): readonly Handler[] {
    const heartbeat = handler(
      Heartbeat,
      ({ groupId, generationId }) => {
        this.begun.push(groupId);
        if (groupId === "now") return { throttleTimeMs: generationId, errorCode: 0 };
        if (groupId === "throw") throw new Error("a bug");
        if (groupId.startsWith("fail:")) throw new ApiError(Number(groupId.slice(5)));
        return this.#hold(groupId).then(() => ({ throttleTimeMs: generationId, errorCode: 0 }));
      },
      (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
    );
    const produce = orderedHandler(
      Produce,
      request => {
        const name = request.topicData[0]!.name;
        this.begun.push(name);
        if (request.acks === 0) {
          if (name === "bad") throw new CloseConnectionError("no such topic");
          return { accepted: undefined, response: null };
        }
        const response = this.#hold(name).then(() => ({ responses: [], throttleTimeMs: request.timeoutMs }));
        return { accepted: undefined, response };
      },
      () => ({ responses: [] }),
    );
    const apiVersions = handler(
      ApiVersions,
      () => ({ errorCode: 0, apiKeys: [], throttleTimeMs: 0 }),
      (_request, errorCode) => ({ errorCode, apiKeys: [], throttleTimeMs: 0 }),
    );
    const vote = handler(
      Vote,
      () => ({ errorCode: 0, topics: [] }),
      (_request, errorCode) => ({ errorCode, topics: [] }),
    );
    return [heartbeat, produce, apiVersions, vote] as unknown as readonly Handler[];
  }
}

const heartbeat = (groupId: string, generationId = 0) => ({ groupId, generationId, memberId: "m" });
const produce = (name: string, timeoutMs: number, acks = 1) => ({
  acks,
  timeoutMs,
  topicData: [{ name, topicId: "AAAAAAAAAAAAAAAAAAAAAA", partitionData: [] }],
});

describe("Server", () => {
  let harness: Harness;
  afterEach(() => harness.close());

  it("answers a request whose bytes come one by one", async () => {
    harness = await new Harness().open();
    const client = await harness.client();
    const bytes = requestBytes(Heartbeat, 4, 7, heartbeat("now", 5));
    for (const byte of bytes) {
      client.write(Buffer.of(byte));
      await new Promise(resolve => setImmediate(resolve));
    }
    const { correlationId, body } = await client.receive(Heartbeat, 4);
    expect(correlationId).to.equal(7);
    expect(body.throttleTimeMs).to.equal(5);
  });

  it("answers a request that is cut anywhere into two", async () => {
    harness = await new Harness().open();
    const client = await harness.client();
    const bytes = requestBytes(Heartbeat, 4, 7, heartbeat("now", 5));
    for (let cut = 1; cut < bytes.length; cut++) {
      client.write(bytes.subarray(0, cut));
      await new Promise(resolve => setImmediate(resolve));
      client.write(bytes.subarray(cut));
      expect((await client.receive(Heartbeat, 4)).body.throttleTimeMs).to.equal(5);
    }
  });

  it("begins a request when the one before it is answered", async () => {
    harness = await new Harness().open();
    const client = await harness.client();
    client.send(Heartbeat, 3, heartbeat("a", 1));
    client.send(Heartbeat, 3, heartbeat("b", 2));
    client.send(Heartbeat, 3, heartbeat("now", 3));
    await harness.untilBegun(1);
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(harness.begun).to.deep.equal(["a"]);
    harness.waiting[0]!.resolve();
    await harness.untilBegun(2);
    expect(harness.begun).to.deep.equal(["a", "b"]);
    harness.waiting[1]!.resolve();
    for (const expected of [1, 2, 3]) {
      const { correlationId, body } = await client.receive(Heartbeat, 3);
      expect([correlationId, body.throttleTimeMs]).to.deep.equal([expected, expected]);
    }
  });

  it("begins an ordered request at once and keeps the replies in order", async () => {
    harness = await new Harness().open();
    const client = await harness.client();
    for (let index = 1; index <= 3; index++) client.send(Produce, 9, produce(`t${index}`, index));
    await harness.untilBegun(3);
    expect(harness.begun).to.deep.equal(["t1", "t2", "t3"]);
    harness.waiting[2]!.resolve();
    harness.waiting[1]!.resolve();
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(client.bufferedBytes).to.equal(0);
    harness.waiting[0]!.resolve();
    for (const expected of [1, 2, 3]) expect((await client.receive(Produce, 9)).correlationId).to.equal(expected);
  });

  it("takes no more requests than may be in flight, and goes on when they are answered", async () => {
    harness = await new Harness({ connection: { maxInFlight: 2 } }).open();
    const client = await harness.client();
    for (let index = 1; index <= 5; index++) client.send(Produce, 9, produce(`t${index}`, index));
    await harness.untilBegun(2);
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(harness.begun).to.have.length(2);
    for (let index = 0; index < 5; index++) {
      await harness.untilBegun(index + 1);
      harness.waiting[index]!.resolve();
      expect((await client.receive(Produce, 9)).correlationId).to.equal(index + 1);
    }
  });

  it("hears that a client is gone while its request is under way and others wait behind it", async () => {
    harness = await new Harness().open();
    const client = await harness.client();
    for (const name of ["a", "b", "c"]) client.send(Heartbeat, 3, heartbeat(name));
    await harness.untilBegun(1);
    client.close();
    while (harness.server.connectionCount > 0) await new Promise(resolve => setTimeout(resolve, 1));
    harness.waiting[0]!.resolve();
    await new Promise(resolve => setTimeout(resolve, 10));
    expect(harness.begun).to.deep.equal(["a"]);
    expect(harness.server.budget.usedBytes).to.equal(0);
  });

  it("answers nothing to acks=0, and what follows it", async () => {
    harness = await new Harness().open();
    const client = await harness.client();
    client.send(Produce, 9, produce("good", 0, 0));
    client.send(Heartbeat, 3, heartbeat("now", 9));
    expect((await client.receive(Heartbeat, 3)).correlationId).to.equal(2);
    expect(harness.begun).to.deep.equal(["good", "now"]);
  });

  it("closes the connection of acks=0 that fails", async () => {
    harness = await new Harness().open();
    const client = await harness.client();
    client.send(Produce, 9, produce("bad", 0, 0));
    await client.closed();
    expect(client.bufferedBytes).to.equal(0);
  });

  it("answers what a handler throws in the API's own form", async () => {
    harness = await new Harness().open();
    const client = await harness.client();
    const refused = await client.request(Heartbeat, 3, heartbeat(`fail:${Errors.UNKNOWN_MEMBER_ID}`));
    expect(refused.errorCode).to.equal(Errors.UNKNOWN_MEMBER_ID);
    const failed = await client.request(Heartbeat, 3, heartbeat("throw"));
    expect(failed.errorCode).to.equal(Errors.UNKNOWN_SERVER_ERROR);
    expect(harness.logger.of("request.failed")).to.have.length(1);
    expect((await client.request(Heartbeat, 3, heartbeat("now"))).errorCode).to.equal(0);
  });

  it("answers ApiVersions of a version to come with error 35 in version 0, naming its own range", async () => {
    harness = await new Harness().open();
    const client = await harness.client();
    const bytes = requestBytes(ApiVersions, 4, 77, { clientSoftwareName: "x", clientSoftwareVersion: "1" });
    bytes.writeInt16BE(5, 6);
    client.write(bytes);
    const { correlationId, body } = await client.receive(ApiVersions, 0);
    expect(correlationId).to.equal(77);
    expect(body.errorCode).to.equal(Errors.UNSUPPORTED_VERSION);
    expect(body.apiKeys).to.deep.equal([{ apiKey: 18, minVersion: 0, maxVersion: 4 }]);
    expect((await client.request(Heartbeat, 3, heartbeat("now"))).errorCode).to.equal(0);
  });

  it("advertises just what has a handler, in Kafka's ranges", async () => {
    harness = new Harness();
    expect(harness.server.dispatcher.advertisedApis("broker")).to.deep.equal([
      { apiKey: 0, minVersion: 0, maxVersion: 13 },
      { apiKey: 12, minVersion: 0, maxVersion: 4 },
      { apiKey: 18, minVersion: 0, maxVersion: 4 },
    ]);
    expect(harness.server.dispatcher.advertisedApis("controller").map(({ apiKey }) => apiKey)).to.deep.equal([18, 52]);
  });

  const malformed: [string, () => Buffer][] = [
    ["an unknown API key", () => withInt16(requestBytes(Heartbeat, 3, 1, heartbeat("now")), 4, 999)],
    ["a negative API key", () => withInt16(requestBytes(Heartbeat, 3, 1, heartbeat("now")), 4, -1)],
    ["an API without a handler", () => requestBytes(Metadata, 12, 1, METADATA)],
    ["an API of the other listener", () => requestBytes(Vote, 1, 1, { clusterId: null, voterId: 1, topics: [] })],
    ["an unknown version", () => withInt16(requestBytes(Heartbeat, 3, 1, heartbeat("now")), 6, 99)],
    ["Produce 2, advertised but not served", () => withInt16(requestBytes(Produce, 3, 1, produce("t", 1)), 6, 2)],
    ["a negative length", () => lengthOf(-1)],
    ["a length above the limit", () => lengthOf((1 << 20) + 1)],
    ["an empty frame", () => lengthOf(0)],
    ["a frame without a whole header", () => Buffer.concat([lengthOf(3), Buffer.alloc(3)])],
    ["a body that is too short", () => truncated(requestBytes(Heartbeat, 3, 1, heartbeat("now")), 1)],
    ["a body that is too long", () => extended(requestBytes(Heartbeat, 3, 1, heartbeat("now")), 1)],
    ["random bytes of HTTP", () => Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
  ];
  for (const [name, bytes] of malformed) {
    it(`closes the connection on ${name}, and serves others`, async () => {
      harness = await new Harness().open();
      const [bad, good] = [await harness.client(), await harness.client()];
      bad.write(bytes());
      await bad.closed();
      expect(bad.bufferedBytes).to.equal(0);
      const [entry] = harness.logger.of("connection.closed");
      expect(entry?.level).to.equal("warn");
      expect(entry?.fields.remote).to.match(/^127\.0\.0\.1:\d+$/);
      expect((await good.request(Heartbeat, 3, heartbeat("now"))).errorCode).to.equal(0);
      expect(harness.server.budget.usedBytes).to.equal(0);
    });
  }

  it("answers what came before a malformed request", async () => {
    harness = await new Harness().open();
    const client = await harness.client();
    client.write(Buffer.concat([requestBytes(Heartbeat, 3, 1, heartbeat("now")), lengthOf(-1)]));
    expect((await client.receive(Heartbeat, 3)).correlationId).to.equal(1);
    await client.closed();
  });

  it("closes connections beyond max.connections, by address and in all", async () => {
    harness = await new Harness({ limits: { maxConnections: 2 } }).open();
    const clients = [await harness.client(), await harness.client(), await harness.client()];
    await clients[2]!.closed();
    expect((await clients[0]!.request(Heartbeat, 3, heartbeat("now"))).errorCode).to.equal(0);
    clients[0]!.close();
    while (harness.server.connectionCount > 1) await new Promise(resolve => setTimeout(resolve, 1));
    const late = await harness.client();
    expect((await late.request(Heartbeat, 3, heartbeat("now"))).errorCode).to.equal(0);
  });

  it("stops although connections wait for their turn", async () => {
    harness = await new Harness({ limits: { maxCreationRate: 2 } }).open();
    const clients: RawClient[] = [];
    // A second's worth may come at once; the others are not read from yet.
    for (let count = 0; count < 6; count++) clients.push(await harness.client());
    await harness.untilConnected(6);
    // One of them is gone before its turn.
    clients[5]!.close();
    await harness.server.stop(60_000);
    for (const client of clients.slice(0, 5)) await client.closed();
    expect(harness.server.connectionCount).to.equal(0);
  });

  it("stops before it has opened, although somebody is connected", async () => {
    harness = new Harness();
    await harness.bind();
    const early = await harness.client();
    await harness.untilConnected(1);
    await harness.server.stop(60_000);
    await early.closed();
    expect(harness.server.connectionCount).to.equal(0);
  });

  it("stops reading from a client that does not read, and loses no reply when it does", async () => {
    harness = await new Harness({ connection: { maxUnsentBytes: 100_000 } }).open();
    const client = await harness.client();
    client.socket.pause();
    const one = requestBytes(ApiVersions, 0, 1, { clientSoftwareName: "", clientSoftwareVersion: "" });
    const count = 200_000;
    for (let index = 0; index < count / 1000; index++) client.write(Buffer.concat(Array(1000).fill(one)));
    await new Promise(resolve => setTimeout(resolve, 300));
    expect(harness.server.connectionCount).to.equal(1);
    client.socket.resume();
    let received = 0;
    while (received < count && (await client.frame()) !== null) received += 1;
    expect(received).to.equal(count);
  }).timeout(30_000);

  it("answers what is under way before it stops", async () => {
    harness = await new Harness().open();
    const client = await harness.client();
    client.send(Produce, 9, produce("t", 1));
    await harness.untilBegun(1);
    const stopped = harness.server.stop(5_000);
    harness.waiting[0]!.resolve();
    expect((await client.receive(Produce, 9)).correlationId).to.equal(1);
    await client.closed();
    await stopped;
  });
});

const METADATA = {
  topics: null,
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
};

function withInt16(bytes: Buffer, position: number, value: number): Buffer {
  bytes.writeInt16BE(value, position);
  return bytes;
}

function lengthOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** With so many bytes fewer, and the length saying so. */
function truncated(bytes: Buffer, count: number): Buffer {
  const shorter = Buffer.from(bytes.subarray(0, bytes.length - count));
  shorter.writeInt32BE(shorter.length - 4);
  return shorter;
}

function extended(bytes: Buffer, count: number): Buffer {
  const longer = Buffer.concat([bytes, Buffer.alloc(count)]);
  longer.writeInt32BE(longer.length - 4);
  return longer;
}
