import net from "node:net";
import { expect } from "chai";
import { NodeNetwork } from "../../src/platform/node-network.ts";
import type { Connection } from "../../src/platform/platform.ts";
import { networkContract } from "./network-contract.ts";

networkContract("NodeNetwork with direct reads", () => ({ network: new NodeNetwork({ lingerMs: 100 }) }));
networkContract("NodeNetwork with data events", () => ({
  network: new NodeNetwork({ lingerMs: 100, directReads: false }),
}));

describe("NodeNetwork", () => {
  it("reads accepted connections straight into the owner's buffer", async () => {
    // The first read of a connection is copied; every later one must land in the buffer without passing through `data` events.
    const accepted: Connection[] = [];
    const network = new NodeNetwork();
    const listener = await network.listen({ host: "127.0.0.1", port: 0 }, connection => accepted.push(connection));
    const client = net.connect(listener.port, "127.0.0.1");
    client.write("first");
    const sizes = await new Promise<number[]>(resolve => {
      const seen: number[] = [];
      const poll = setInterval(() => {
        if (accepted.length === 0) return;
        clearInterval(poll);
        // Larger than what Node allocates for a read of its own (64 KiB): only a direct read can fill more of it at once.
        const large = Buffer.alloc(4 * 1024 * 1024);
        let total = 0;
        accepted[0]!.start({
          buffer: () => large,
          received: sizeBytes => {
            seen.push(sizeBytes);
            total += sizeBytes;
            if (total === 5) client.write(Buffer.alloc(8 * 1024 * 1024));
            if (total === 5 + 8 * 1024 * 1024) resolve(seen);
          },
          drained() {},
          closed() {},
        });
      }, 1);
    });
    expect(Math.max(...sizes)).to.be.greaterThan(64 * 1024);
    client.destroy();
    accepted[0]!.destroy();
    await listener.close();
  });

  it("reports a reset by the other side as ECONNRESET", async () => {
    const network = new NodeNetwork();
    let closed: (code: string | null) => void = () => {};
    const code = new Promise<string | null>(resolve => {
      closed = resolve;
    });
    const listener = await network.listen({ host: "127.0.0.1", port: 0 }, connection =>
      connection.start({ buffer: () => Buffer.alloc(100), received() {}, drained() {}, closed }),
    );
    const client = net.connect(listener.port, "127.0.0.1", () => client.resetAndDestroy());
    expect(await code).to.equal("ECONNRESET");
    await listener.close();
  });

  it("gives up connecting after its time limit, with ETIMEDOUT", async () => {
    // 192.0.2.0/24 is reserved for documentation: either nothing answers, or the machine knows at once that it has no way there.
    const started = performance.now();
    let code: string | undefined;
    try {
      await new NodeNetwork().connect("192.0.2.1", 9092, { timeoutMs: 50 });
    } catch (error) {
      code = (error as { code?: string }).code;
    }
    expect(code).to.be.oneOf(["ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH", "ECONNREFUSED"]);
    expect(performance.now() - started).to.be.lessThan(5_000);
  });

  it("closes a half-open connection: the other side ended, ours ends after it", async () => {
    const network = new NodeNetwork();
    const listener = await network.listen({ host: "127.0.0.1", port: 0 }, connection =>
      connection.start({ buffer: () => Buffer.alloc(100), received() {}, drained() {}, closed() {} }),
    );
    const client = net.connect({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true });
    client.end();
    client.resume();
    await new Promise<void>(resolve => client.once("end", resolve));
    client.destroy();
    await listener.close();
  });

  it("ends a connection whose other side never closes, after the linger time", async () => {
    const network = new NodeNetwork({ lingerMs: 30 });
    let closed: () => void = () => {};
    const gone = new Promise<void>(resolve => {
      closed = resolve;
    });
    const listener = await network.listen({ host: "127.0.0.1", port: 0 }, connection => {
      connection.start({ buffer: () => Buffer.alloc(100), received() {}, drained() {}, closed });
      connection.end();
    });
    const client = net.connect({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true });
    client.on("error", () => {});
    await gone;
    client.destroy();
    await listener.close();
  });
});
