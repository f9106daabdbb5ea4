/** What every {@link Network} must do; run against the real one (both ways of reading) and the one in memory. */
import { expect } from "chai";
import type { Connection, ConnectionHandler, Listener, Network } from "../../src/platform/platform.ts";

export interface NetworkUnderTest {
  readonly network: Network;
  close?(): void;
}

/** Collects what comes; `windowBytes` is the size of each buffer handed out. */
class Collector implements ConnectionHandler {
  readonly #window: Uint8Array;
  readonly #chunks: Buffer[] = [];
  readonly #waiters: (() => void)[] = [];
  receivedBytes = 0;
  drainedCount = 0;
  closedWith: (string | null)[] = [];
  buffersAsked = 0;
  outstanding = false;
  onReceived: (sizeBytes: number) => void = () => {};

  constructor(windowBytes = 64 * 1024) {
    this.#window = Buffer.alloc(windowBytes);
  }

  buffer(): Uint8Array {
    this.buffersAsked++;
    this.outstanding = true;
    return this.#window;
  }

  received(sizeBytes: number): void {
    expect(this.outstanding, "received without a buffer having been asked for").to.equal(true);
    expect(sizeBytes).to.be.within(1, this.#window.length);
    expect(this.closedWith, "received after closed").to.deep.equal([]);
    this.outstanding = false;
    this.#chunks.push(Buffer.from(this.#window.subarray(0, sizeBytes)));
    this.#window.fill(0xee);
    this.receivedBytes += sizeBytes;
    this.onReceived(sizeBytes);
    this.#wake();
  }

  drained(): void {
    this.drainedCount++;
    this.#wake();
  }

  closed(error: string | null): void {
    this.closedWith.push(error);
    this.#wake();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => this.#waiters.push(resolve));
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}

export function networkContract(name: string, setUp: () => NetworkUnderTest): void {
  describe(`${name} as a Network`, () => {
    let subject: NetworkUnderTest;
    let listener: Listener;
    let accepted: Connection[];
    let acceptWaiters: (() => void)[];

    beforeEach(async () => {
      subject = setUp();
      accepted = [];
      acceptWaiters = [];
      listener = await subject.network.listen({ host: "127.0.0.1", port: 0 }, connection => {
        accepted.push(connection);
        for (const waiter of acceptWaiters.splice(0)) waiter();
      });
    });

    afterEach(async () => {
      for (const connection of accepted) connection.destroy();
      await listener.close();
      subject.close?.();
    });

    async function pair(): Promise<{ client: Connection; server: Connection }> {
      const index = accepted.length;
      const client = await subject.network.connect("127.0.0.1", listener.port, { timeoutMs: 5_000 });
      while (accepted.length === index) await new Promise<void>(resolve => acceptWaiters.push(resolve));
      return { client, server: accepted[index]! };
    }

    it("picks a free port and tells it", () => {
      expect(listener.port).to.be.greaterThan(0);
      expect(listener.host).to.equal("127.0.0.1");
    });

    it("tells both ends their addresses", async () => {
      const { client, server } = await pair();
      expect(client.remotePort).to.equal(listener.port);
      expect(server.localPort).to.equal(listener.port);
      expect(server.remotePort).to.equal(client.localPort);
      expect(server.remoteHost).to.equal("127.0.0.1");
      client.destroy();
    });

    it("refuses a port that is taken, with EADDRINUSE", async () => {
      const error = await rejection(subject.network.listen({ host: "127.0.0.1", port: listener.port }, () => {}));
      expect(error).to.have.property("code", "EADDRINUSE");
    });

    it("refuses a connection to a closed port, with ECONNREFUSED", async () => {
      const { port } = listener;
      await listener.close();
      const error = await rejection(subject.network.connect("127.0.0.1", port));
      expect(error).to.have.property("code", "ECONNREFUSED");
      listener = await subject.network.listen({ host: "127.0.0.1", port }, () => {});
    });

    it("carries bytes both ways, in order and unchanged, whatever the window", async () => {
      for (const windowBytes of [1, 7, 1_000, 65_536, 3 * 1024 * 1024]) {
        const { client, server } = await pair();
        const atServer = new Collector(windowBytes);
        const atClient = new Collector(windowBytes);
        server.start(atServer);
        client.start(atClient);
        const sizeBytes = windowBytes < 100 ? 20_000 : 5_000_000;
        const payload = pattern(sizeBytes);
        client.write([payload.subarray(0, 3), payload.subarray(3, 4), payload.subarray(4)]);
        server.write([payload]);
        await atServer.until(() => atServer.receivedBytes === sizeBytes);
        await atClient.until(() => atClient.receivedBytes === sizeBytes);
        expect(atServer.bytes.equals(payload)).to.equal(true);
        expect(atClient.bytes.equals(payload)).to.equal(true);
        client.destroy();
        await atServer.until(() => atServer.closedWith.length > 0);
      }
    });

    it("asks for a buffer before every read, so that each read may go elsewhere", async () => {
      const { client, server } = await pair();
      const buffers: Uint8Array[] = [];
      const got: number[] = [];
      await new Promise<void>(resolve => {
        server.start({
          buffer: () => {
            const buffer = Buffer.alloc(buffers.length % 2 === 0 ? 4 : 1_000_000);
            buffers.push(buffer);
            return buffer;
          },
          received: sizeBytes => {
            got.push(...buffers.at(-1)!.subarray(0, sizeBytes));
            if (got.length === 100_000) resolve();
          },
          drained() {},
          closed() {},
        });
        client.start(new Collector());
        client.write([pattern(100_000)]);
      });
      expect(Buffer.from(got).equals(pattern(100_000))).to.equal(true);
      client.destroy();
    });

    it("reads nothing before start, and what was sent by then afterwards", async () => {
      const { client, server } = await pair();
      client.start(new Collector());
      client.write([Buffer.from("early")]);
      await pauseFor(30);
      const atServer = new Collector();
      server.start(atServer);
      expect(atServer.receivedBytes).to.equal(0);
      await atServer.until(() => atServer.receivedBytes === 5);
      expect(atServer.bytes.toString()).to.equal("early");
      client.destroy();
    });

    it("delivers nothing while paused, even what was read already, and everything after resume", async () => {
      const { client, server } = await pair();
      const atServer = new Collector(10);
      atServer.onReceived = () => server.pause();
      server.start(atServer);
      client.start(new Collector());
      client.write([pattern(25)]);
      for (const expected of [10, 20, 25]) {
        await atServer.until(() => atServer.receivedBytes === expected);
        await pauseFor(20);
        expect(atServer.receivedBytes).to.equal(expected);
        server.resume();
      }
      expect(atServer.bytes.equals(pattern(25))).to.equal(true);
      client.destroy();
    });

    it("pushes back on a writer whose reader is paused, counts the unsent bytes, and calls drained once they are gone", async () => {
      const { client, server } = await pair();
      const atServer = new Collector(1024 * 1024);
      const atClient = new Collector();
      server.start(atServer);
      server.pause();
      client.start(atClient);
      const chunk = pattern(1024 * 1024);
      let writtenCount = 0;
      let refusedCount = 0;
      for (let full = false; !full; ) {
        expect(writtenCount, "chunks taken although nobody reads").to.be.lessThan(256);
        writtenCount++;
        if (client.write([chunk])) continue;
        refusedCount++;
        // The kernel's buffers seem full for a moment before they are.
        await pauseFor(30);
        full = client.unsentBytes > 0;
      }
      expect(client.unsentBytes).to.be.within(1, chunk.length);
      expect(atClient.drainedCount).to.equal(refusedCount - 1);
      expect(atServer.receivedBytes).to.equal(0);
      server.resume();
      await atClient.until(() => atClient.drainedCount === refusedCount);
      expect(client.unsentBytes).to.equal(0);
      await atServer.until(() => atServer.receivedBytes === writtenCount * chunk.length);
      expect(atClient.drainedCount).to.equal(refusedCount);
      client.destroy();
    });

    it("says when a write's bytes are of no more use: not before the system has them, and their owner may change them then", async () => {
      const { client, server } = await pair();
      const atServer = new Collector(1024 * 1024);
      server.start(atServer);
      server.pause();
      client.start(new Collector());
      const expected: Buffer[] = [];
      const sent: number[] = [];
      for (let index = 0; expected.length === 0 || client.unsentBytes === 0; index++) {
        const chunk = Buffer.alloc(1024 * 1024, index + 1);
        expected.push(Buffer.from(chunk));
        client.write([chunk.subarray(0, 10), chunk.subarray(10)], () => {
          sent.push(index);
          chunk.fill(0xdd);
        });
        await pauseFor(30);
      }
      expect(sent).not.to.include(expected.length - 1);
      server.resume();
      await atServer.until(() => atServer.receivedBytes === expected.length * 1024 * 1024);
      await pauseFor(20);
      expect(sent).to.deep.equal(expected.map((_, index) => index));
      expect(atServer.bytes.equals(Buffer.concat(expected))).to.equal(true);
      client.destroy();
    });

    it("says so once of writes that will never be sent, too", async () => {
      const { client, server } = await pair();
      const atClient = new Collector();
      server.start(new Collector());
      server.pause();
      client.start(atClient);
      const sent: number[] = [];
      let count = 0;
      while (client.unsentBytes < 4 * 1024 * 1024) {
        const index = count++;
        client.write([pattern(1024 * 1024), pattern(5)], () => sent.push(index));
        await pauseFor(10);
      }
      client.destroy();
      await atClient.until(() => atClient.closedWith.length > 0);
      client.write([pattern(3)], () => sent.push(count++));
      await pauseFor(20);
      expect(sent.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: count }, (_, index) => index));
    });

    it("end sends what is queued before it closes, and both sides hear of it once, without an error", async () => {
      const { client, server } = await pair();
      const atServer = new Collector();
      const atClient = new Collector();
      server.start(atServer);
      client.start(atClient);
      client.write([pattern(3_000_000)]);
      client.end();
      await atServer.until(() => atServer.closedWith.length > 0);
      await atClient.until(() => atClient.closedWith.length > 0);
      expect(atServer.bytes.equals(pattern(3_000_000))).to.equal(true);
      await pauseFor(20);
      expect(atServer.closedWith).to.deep.equal([null]);
      expect(atClient.closedWith).to.deep.equal([null]);
    });

    it("end loses no reply, though requests nobody reads are still coming in", async () => {
      const { client, server } = await pair();
      const atClient = new Collector();
      const atServer = new Collector();
      client.start(atClient);
      atServer.onReceived = () => {
        server.pause();
        server.write([Buffer.from("goodbye")]);
        server.end();
      };
      server.start(atServer);
      client.write([pattern(100_000)]);
      await atClient.until(() => atClient.closedWith.length > 0);
      expect(atClient.bytes.toString()).to.equal("goodbye");
    });

    it("destroy closes at once: the owner hears it once, without an error, and nothing is received any more", async () => {
      const { client, server } = await pair();
      const atServer = new Collector();
      const atClient = new Collector();
      atServer.onReceived = () => server.destroy();
      server.start(atServer);
      client.start(atClient);
      client.write([pattern(1_000_000)]);
      await atServer.until(() => atServer.closedWith.length > 0);
      await atClient.until(() => atClient.closedWith.length > 0);
      await pauseFor(20);
      expect(atServer.closedWith).to.deep.equal([null]);
      expect(atClient.closedWith).to.have.length(1);
      expect(atServer.receivedBytes).to.be.at.most(64 * 1024);
    });

    it("destroy before start is heard at start", async () => {
      const { client, server } = await pair();
      server.destroy();
      client.destroy();
      await pauseFor(20);
      const late = new Collector();
      server.start(late);
      expect(late.closedWith).to.deep.equal([]);
      await late.until(() => late.closedWith.length > 0);
      expect(late.closedWith).to.deep.equal([null]);
    });

    it("writing to a closed connection changes nothing", async () => {
      const { client, server } = await pair();
      const atServer = new Collector();
      server.start(atServer);
      client.start(new Collector());
      client.destroy();
      await atServer.until(() => atServer.closedWith.length > 0);
      server.write([Buffer.from("into the void")]);
      server.pause();
      server.resume();
      server.end();
      server.destroy();
      await pauseFor(20);
      expect(atServer.closedWith).to.have.length(1);
    });

    it("closing the listener leaves open connections alone", async () => {
      const { client, server } = await pair();
      const atServer = new Collector();
      server.start(atServer);
      client.start(new Collector());
      await listener.close();
      client.write([Buffer.from("still here")]);
      await atServer.until(() => atServer.receivedBytes === 10);
      client.destroy();
      await atServer.until(() => atServer.closedWith.length > 0);
    });
  });
}

function pattern(sizeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  for (let index = 0; index < sizeBytes; index++) bytes[index] = (index * 31 + (index >>> 8)) & 0xff;
  return bytes;
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}

function pauseFor(delayMs: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, delayMs));
}
