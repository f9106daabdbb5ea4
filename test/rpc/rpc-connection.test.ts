import { expect } from "chai";
import { ApiVersions, Errors, encodeResponse, Heartbeat, Metadata, Produce, SyncGroup } from "../../protocol/index.ts";
import { memoryLogger } from "../../src/logging/index.ts";
import {
  createMemoryPlatform,
  createMemoryWorld,
  type MemoryPlatform,
  type MemoryWorld,
} from "../../src/platform/memory.ts";
import { createNodePlatform } from "../../src/platform/node.ts";
import { type AnswerBuffers, AnswerMemory } from "../../src/rpc/answer-memory.ts";
import { RpcConnection, type RpcConnectionOptions } from "../../src/rpc/rpc-connection.ts";
import { RpcError } from "../../src/rpc/rpc-error.ts";
import { FakeBroker } from "./fake-broker.ts";

const HEARTBEAT = { groupId: "group", generationId: 3, memberId: "member" };

describe("RpcConnection", () => {
  let world: MemoryWorld;
  let platform: MemoryPlatform;
  let broker: FakeBroker;

  beforeEach(async () => {
    world = createMemoryWorld({ seed: 1, network: { delayMs: () => 1 } });
    platform = createMemoryPlatform({ world, host: "client" });
    broker = await FakeBroker.start(world.fabric.host("broker"), "0.0.0.0", 9092);
    broker.versions.push([Heartbeat, 0, 3], [Metadata, 5, 9]);
  });

  function create(options: Partial<RpcConnectionOptions> = {}): RpcConnection {
    const full = { host: "broker", port: 9092, clientId: "tester", requestTimeoutMs: 1_000, ...options };
    return new RpcConnection(full, { platform, logger: memoryLogger() });
  }

  async function connected(options: Partial<RpcConnectionOptions> = {}): Promise<RpcConnection> {
    const connection = create(options);
    await world.time.complete(connection.connect());
    return connection;
  }

  async function failureOf(promise: Promise<unknown>): Promise<RpcError> {
    const error = await world.time.complete(
      promise.then(
        () => null,
        failure => failure,
      ),
    );
    expect(error).to.be.instanceOf(RpcError);
    return error as RpcError;
  }

  it("sends a request with header and body, and resolves with the answer", async () => {
    const connection = await connected();
    broker.onRequest = request => request.reply({ throttleTimeMs: 7, errorCode: Errors.REBALANCE_IN_PROGRESS });
    const response = await world.time.complete(connection.send(Heartbeat, 4, HEARTBEAT));
    expect(response).to.deep.equal({ throttleTimeMs: 7, errorCode: Errors.REBALANCE_IN_PROGRESS });
    const { header, body } = broker.received[0]!;
    expect(header).to.include({ apiKey: 12, apiVersion: 4, clientId: "tester" });
    expect(body).to.include(HEARTBEAT);
  });

  it("matches answers that come out of order by their correlation id", async () => {
    const connection = await connected();
    const all = ["a", "b", "c"].map(memberId => connection.send(Heartbeat, 4, { ...HEARTBEAT, memberId }));
    await world.time.until(() => broker.received.length === 3);
    for (const index of [2, 0, 1]) broker.received[index]!.reply({ throttleTimeMs: index, errorCode: 0 });
    const responses = await world.time.complete(Promise.all(all));
    expect(responses.map(({ throttleTimeMs }) => throttleTimeMs)).to.deep.equal([0, 1, 2]);
  });

  it("pipelines up to maxInFlight, and the rest in order as answers come", async () => {
    const connection = await connected({ maxInFlight: 2 });
    const all = [0, 1, 2, 3].map(generationId => connection.send(Heartbeat, 4, { ...HEARTBEAT, generationId }));
    await world.time.advance(100);
    expect(broker.received).to.have.length(2);
    broker.received[0]!.reply({ throttleTimeMs: 0, errorCode: 0 });
    await world.time.advance(100);
    expect(broker.received).to.have.length(3);
    broker.onRequest = request => request.reply({ throttleTimeMs: 0, errorCode: 0 });
    for (const request of broker.received.slice(1)) request.reply({ throttleTimeMs: 0, errorCode: 0 });
    await world.time.complete(Promise.all(all));
    expect(broker.received.map(({ body }) => body.generationId)).to.deep.equal([0, 1, 2, 3]);
    expect(connection.pendingCount).to.equal(0);
  });

  it("refuses more than maxQueued waiting requests", async () => {
    const connection = await connected({ maxInFlight: 1, maxQueued: 1 });
    const first = connection.send(Heartbeat, 4, HEARTBEAT);
    const second = connection.send(Heartbeat, 4, HEARTBEAT);
    const error = await failureOf(connection.send(Heartbeat, 4, HEARTBEAT));
    expect(error).to.include({ code: "overloaded", isUnsent: true });
    const failures = Promise.all([failureOf(first), failureOf(second)]);
    connection.close();
    await failures;
  });

  it("a request without an answer in time fails, and takes the connection and all behind it along", async () => {
    const connection = await connected({ maxInFlight: 2 });
    const startMs = world.time.monotonic();
    const first = connection.send(Heartbeat, 4, HEARTBEAT, { timeoutMs: 500 });
    const second = connection.send(Heartbeat, 4, HEARTBEAT, { timeoutMs: 60_000 });
    const third = connection.send(Heartbeat, 4, HEARTBEAT, { timeoutMs: 60_000 });
    const failures = await Promise.all([failureOf(first), failureOf(second), failureOf(third)]);
    expect(failures.map(({ code }) => code)).to.deep.equal(["timeout", "closed", "connect"]);
    expect(failures.map(({ isUnsent }) => isUnsent)).to.deep.equal([false, false, true]);
    expect(world.time.monotonic() - startMs).to.equal(500);
    expect(connection.isConnected).to.equal(false);
  });

  it("a request that times out in line fails alone", async () => {
    const connection = await connected({ maxInFlight: 1 });
    const first = connection.send(Heartbeat, 4, HEARTBEAT);
    expect((await failureOf(connection.send(Heartbeat, 4, HEARTBEAT, { timeoutMs: 10 }))).code).to.equal("timeout");
    broker.received[0]!.reply({ throttleTimeMs: 0, errorCode: 0 });
    await world.time.complete(first);
    expect(connection.isConnected).to.equal(true);
  });

  it("close rejects all that is pending, and everything after", async () => {
    const connection = await connected();
    const pending = connection.send(Heartbeat, 4, HEARTBEAT);
    let closedBy: RpcError | null = null;
    connection.onClosed(error => {
      closedBy = error;
    });
    connection.close();
    expect((await failureOf(pending)).code).to.equal("closed");
    expect((await failureOf(connection.send(Heartbeat, 4, HEARTBEAT))).code).to.equal("closed");
    expect(closedBy).to.have.property("code", "closed");
    expect(() => connection.sendOneWay(Heartbeat, 4, HEARTBEAT)).to.throw(RpcError);
  });

  it("the other side closing rejects what is pending", async () => {
    const connection = await connected();
    const pending = connection.send(Heartbeat, 4, HEARTBEAT);
    broker.onRequest = request => request.connection.destroy();
    expect((await failureOf(pending)).code).to.equal("closed");
  });

  it("fails to connect with the system's code in the message", async () => {
    const error = await failureOf(create({ port: 1 }).connect());
    expect(error.code).to.equal("connect");
    expect(error.message).to.include("broker:1").and.include("ECONNREFUSED");
  });

  it("an answer that cannot be decoded fails its request and closes the connection", async () => {
    const connection = await connected();
    broker.onRequest = ({ connection: socket, header }) => {
      const junk = Buffer.alloc(12);
      junk.writeInt32BE(8, 0);
      junk.writeInt32BE(header.correlationId, 4);
      junk.writeInt32BE(-1, 8);
      socket.write([junk]);
    };
    expect((await failureOf(connection.send(Heartbeat, 4, HEARTBEAT))).code).to.equal("malformed");
    expect(connection.isConnected).to.equal(false);
  });

  it("an answer larger than allowed, negative in size or to no question closes the connection", async () => {
    for (const bytes of [
      [0, 16, 0, 0],
      [0xff, 0xff, 0xff, 0xff],
      [0, 0, 0, 4, 0, 0, 0x7f, 0],
    ]) {
      const connection = await connected({ maxResponseBytes: 1_000_000 });
      broker.onRequest = ({ connection: socket }) => socket.write([Buffer.from(bytes)]);
      expect((await failureOf(connection.send(Heartbeat, 4, HEARTBEAT))).code).to.equal("malformed");
    }
  });

  it("a value that does not fit the schema rejects, and leaves the connection as it was", async () => {
    const connection = await connected();
    let thrown: unknown;
    await connection.send(Heartbeat, 4, { ...HEARTBEAT, generationId: "three" as never }).catch(error => {
      thrown = error;
    });
    expect(thrown).to.be.instanceOf(Error);
    broker.onRequest = request => request.reply({ throttleTimeMs: 0, errorCode: 0 });
    await world.time.complete(connection.send(Heartbeat, 4, HEARTBEAT));
  });

  describe("memory of answers", () => {
    /** Counts what is taken and given, and gives the same buffer again. */
    class CountingBuffers implements AnswerBuffers {
      readonly spare: Buffer[] = [];
      taken = 0;

      take(sizeBytes: number): Buffer {
        this.taken++;
        return this.spare.pop() ?? Buffer.allocUnsafeSlow(sizeBytes + 1000);
      }

      give(buffer: Buffer): void {
        this.spare.push(buffer);
      }
    }

    async function ask(connection: RpcConnection, memory: AnswerMemory, userData: Buffer) {
      broker.onRequest = request =>
        request.reply({ throttleTimeMs: 0, errorCode: 0, protocolType: "", protocolName: "", assignment: userData });
      const body = { groupId: "g", generationId: 1, memberId: "m", assignments: [] };
      const response = await world.time.complete(connection.send(SyncGroup, 4, body, { memory }));
      return response.assignment;
    }

    it("is used again once everybody who retained it has released it", async () => {
      broker.versions.push([SyncGroup, 0, 5]);
      const answerBuffers = new CountingBuffers();
      const options = { host: "broker", port: 9092, clientId: "tester" };
      const connection = new RpcConnection(options, { platform, logger: memoryLogger(), answerBuffers });
      await world.time.complete(connection.connect());
      const [first, second, third] = [new AnswerMemory(), new AnswerMemory(), new AnswerMemory()];
      const assignment = await ask(connection, first, Buffer.alloc(100_000, 1));
      first.retain();
      first.release();
      const other = await ask(connection, second, Buffer.alloc(100_000, 2));
      expect(other.buffer, "the first is still retained").to.not.equal(assignment.buffer);
      expect(assignment.equals(Buffer.alloc(100_000, 1))).to.equal(true);
      first.release();
      expect((await ask(connection, third, Buffer.alloc(90_000, 3))).buffer).to.equal(assignment.buffer);
      expect(answerBuffers.taken).to.equal(3);
      expect(() => first.release()).to.throw("more often than retained");
    });

    it("is used again for answers that came with others in one read, too", async () => {
      broker.versions.push([SyncGroup, 0, 5]);
      const answerBuffers = new CountingBuffers();
      const options = { host: "broker", port: 9092, clientId: "tester" };
      const connection = new RpcConnection(options, { platform, logger: memoryLogger(), answerBuffers });
      await world.time.complete(connection.connect());
      const [first, second] = [new AnswerMemory(), new AnswerMemory()];
      const assignment = await ask(connection, first, Buffer.alloc(6_000, 1));
      expect(assignment).to.deep.equal(Buffer.alloc(6_000, 1));
      first.release();
      expect((await ask(connection, second, Buffer.alloc(6_000, 2))).buffer).to.equal(assignment.buffer);
    });

    it("of a small answer is its own, and there is nothing to give back", async () => {
      broker.versions.push([SyncGroup, 0, 5]);
      const answerBuffers = new CountingBuffers();
      const options = { host: "broker", port: 9092, clientId: "tester" };
      const connection = new RpcConnection(options, { platform, logger: memoryLogger(), answerBuffers });
      await world.time.complete(connection.connect());
      const memory = new AnswerMemory();
      expect(await ask(connection, memory, Buffer.from("small"))).to.deep.equal(Buffer.from("small"));
      memory.release();
      expect([answerBuffers.taken, answerBuffers.spare.length]).to.deep.equal([0, 0]);
    });
  });

  it("sendOneWay sends a request and waits for nothing", async () => {
    const connection = await connected();
    const body = { transactionalId: null, acks: 0, timeoutMs: 100, topicData: [] };
    connection.sendOneWay(Produce, 9, body);
    await world.time.until(() => broker.received.length === 1);
    expect(broker.received[0]!.body).to.include({ acks: 0 });
    expect(connection.pendingCount).to.equal(0);
  });

  it("negotiate finds the newest version both sides speak", async () => {
    const connection = await connected();
    await world.time.complete(connection.negotiate());
    expect(connection.versionOf(Heartbeat)).to.equal(3);
    expect(connection.versionOf(Metadata)).to.equal(9);
    expect(connection.versionOf(Metadata, { max: 6 })).to.equal(6);
    expect(() => connection.versionOf(Metadata, { max: 4 }))
      .to.throw(RpcError)
      .with.property("code", "unsupported");
    expect(() => connection.versionOf(Produce))
      .to.throw(RpcError)
      .with.property("message")
      .that.includes("Produce");
  });

  it("negotiate asks again in the version an older broker names, whose refusal comes in version 0", async () => {
    broker.onApiVersions = ({ header, connection, reply }) => {
      if (header.apiVersion <= 2) return reply(broker.apiVersionsResponse());
      const refusal = {
        errorCode: Errors.UNSUPPORTED_VERSION,
        apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 2 }],
      };
      connection.write(encodeResponse(ApiVersions, 0, header.correlationId, refusal as never));
    };
    const connection = await connected();
    await world.time.complete(connection.negotiate());
    expect(broker.requests.map(({ header }) => header.apiVersion)).to.deep.equal([4, 2]);
    expect(connection.versionOf(Heartbeat)).to.equal(3);
  });

  it("works over real sockets, with an answer of megabytes", async () => {
    const node = createNodePlatform();
    const real = await FakeBroker.start(node.network, "127.0.0.1", 0);
    const rack = "r".repeat(30_000);
    real.onRequest = request =>
      request.reply({
        throttleTimeMs: 0,
        brokers: Array.from({ length: 100 }, (_, nodeId) => ({ nodeId, host: "h", port: 1, rack })),
        clusterId: null,
        controllerId: 0,
        topics: [],
        clusterAuthorizedOperations: 0,
      });
    const connection = new RpcConnection(
      { host: "127.0.0.1", port: real.listener.port, clientId: null },
      { platform: node, logger: memoryLogger() },
    );
    await connection.connect();
    const request = {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    };
    const all = [1, 2, 3].map(() => connection.send(Metadata, 9, request));
    for (const response of await Promise.all(all)) {
      expect(response.brokers).to.have.length(100);
      expect(response.brokers[99]!.rack).to.equal(rack);
    }
    connection.close();
    await real.listener.close();
  });
});
