import { expect } from "chai";
import { FrameBuffers } from "../../src/server/frame-buffers.ts";
import { FrameError, FrameReader } from "../../src/server/frame-reader.ts";
import { ReceiveWindow } from "../../src/server/receive-window.ts";
import { RequestBudget } from "../../src/server/request-budget.ts";

interface Received {
  body: Buffer;
  isLeased: boolean;
}

class Harness {
  readonly budget: RequestBudget;
  readonly reader: FrameReader;
  readonly frames: Received[] = [];

  constructor(options: { windowBytes?: number; limitBytes?: number; maxFrameBytes?: number } = {}) {
    this.budget = new RequestBudget({ limitBytes: options.limitBytes ?? 1 << 30 });
    this.reader = new FrameReader(
      { maxFrameBytes: options.maxFrameBytes ?? 100 << 20 },
      {
        window: new ReceiveWindow({ sizeBytes: options.windowBytes ?? 64 * 1024 }),
        budget: this.budget,
        buffers: new FrameBuffers(),
      },
    );
  }

  /** Delivers bytes as a socket would: at most `chunkBytes` at a time, never more than there is room for. */
  deliver(bytes: Buffer, chunkBytes = bytes.length): void {
    for (let position = 0; position < bytes.length; ) {
      const target = this.reader.buffer();
      const sizeBytes = Math.min(target.length, chunkBytes, bytes.length - position);
      bytes.copy(target, 0, position, position + sizeBytes);
      position += sizeBytes;
      this.reader.received(sizeBytes, (buffer, start, end, lease) => {
        this.frames.push({ body: Buffer.from(buffer.subarray(start, end)), isLeased: lease !== null });
        lease?.release();
        return true;
      });
    }
  }

  get bodies(): Buffer[] {
    return this.frames.map(({ body }) => body);
  }
}

function frame(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function body(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let index = 0; index < sizeBytes; index++) bytes[index] = (index * 31 + seed * 7) & 0xff;
  return bytes;
}

describe("FrameReader", () => {
  it("hands over frames in place when they lie whole in the window", () => {
    const harness = new Harness();
    const bodies = [body(10), body(200, 2), body(3, 3)];
    harness.deliver(Buffer.concat(bodies.map(frame)));
    expect(harness.bodies).to.deep.equal(bodies);
    expect(harness.frames.map(({ isLeased }) => isLeased)).to.deep.equal([false, false, false]);
    expect(harness.reader.isMidFrame).to.equal(false);
  });

  it("gives the same frames wherever the stream is cut", () => {
    const bodies = [body(20), body(0), body(50, 2), body(7, 3)];
    const stream = Buffer.concat(bodies.map(frame));
    for (let cut = 0; cut <= stream.length; cut++) {
      const harness = new Harness();
      harness.deliver(stream.subarray(0, cut));
      harness.deliver(stream.subarray(cut));
      expect(harness.bodies, `cut at ${cut}`).to.deep.equal(bodies);
      expect(harness.budget.usedBytes, `cut at ${cut}`).to.equal(0);
    }
  });

  it("gives the same frames in chunks of any size, windows smaller than frames included", () => {
    const bodies = [body(5000), body(1, 2), body(70_000, 3), body(300, 4), body(70_001, 5), body(65_532, 6)];
    const stream = Buffer.concat(bodies.map(frame));
    for (const chunkBytes of [1, 3, 4, 5, 1023, 4096, 65_536, stream.length]) {
      for (const windowBytes of [16, 4096, 65_536]) {
        const harness = new Harness({ windowBytes });
        harness.deliver(stream, chunkBytes);
        expect(harness.bodies.map(bytes => bytes.length)).to.deep.equal(bodies.map(bytes => bytes.length));
        for (const [index, received] of harness.bodies.entries())
          expect(received.equals(bodies[index]!)).to.equal(true);
        expect(harness.budget.usedBytes).to.equal(0);
      }
    }
  });

  it("reads a frame that is larger than the window into a buffer of its own", () => {
    const harness = new Harness({ windowBytes: 4096 });
    harness.deliver(frame(body(1 << 20)));
    expect(harness.frames).to.have.length(1);
    expect(harness.frames[0]!.isLeased).to.equal(true);
  });

  it("refuses a negative length and one above the limit before it takes memory", () => {
    for (const length of [-1, -2147483648, 1001, 2147483647]) {
      const harness = new Harness({ maxFrameBytes: 1000 });
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(length);
      expect(() => harness.deliver(bytes), `${length}`).to.throw(FrameError);
      expect(harness.budget.usedBytes).to.equal(0);
    }
  });

  it("takes memory in steps, by what has arrived rather than by what is announced", () => {
    const harness = new Harness();
    const announced = Buffer.alloc(4);
    announced.writeInt32BE(100 << 20);
    harness.deliver(announced);
    expect(harness.budget.usedBytes).to.equal(0);
    harness.deliver(body(10));
    expect(harness.budget.usedBytes).to.be.at.most(1024);
    for (let index = 0; index < 100; index++) harness.deliver(body(1000));
    expect(harness.budget.usedBytes).to.be.at.most(100_010 * 4);
    harness.reader.close();
    expect(harness.budget.usedBytes).to.equal(0);
  });

  it("stops at the budget and goes on when there is room again", () => {
    const harness = new Harness({ limitBytes: 10_000 });
    harness.budget.charge(10_000);
    const whole = frame(body(9_000));
    harness.deliver(whole.subarray(0, 4_100));
    expect(harness.reader.needsRoom).to.equal(true);
    harness.budget.release(10_000);
    harness.reader.makeRoom();
    expect(harness.reader.needsRoom).to.equal(false);
    harness.deliver(whole.subarray(4_100));
    expect(harness.bodies).to.deep.equal([body(9_000)]);
    expect(harness.budget.usedBytes).to.equal(0);
  });

  it("refuses more once memory is overdrawn", () => {
    const harness = new Harness({ limitBytes: 1_000 });
    harness.budget.charge(2_000);
    expect(() => harness.deliver(frame(body(500)).subarray(0, 100))).to.throw(FrameError);
  });

  it("stops when the receiver says so", () => {
    const harness = new Harness();
    let count = 0;
    const bytes = Buffer.concat([frame(body(5)), frame(body(6))]);
    bytes.copy(harness.reader.buffer());
    harness.reader.received(bytes.length, () => {
      count += 1;
      return false;
    });
    expect(count).to.equal(1);
  });
});

describe("RequestBudget", () => {
  it("lets waiters in as room comes back, the first first", () => {
    const budget = new RequestBudget({ limitBytes: 100 });
    const order: string[] = [];
    budget.charge(150);
    const waiter = (name: string, takes: number) => ({
      budgetAvailable: () => {
        order.push(name);
        budget.charge(takes);
      },
    });
    budget.wait(waiter("a", 60));
    budget.wait(waiter("b", 60));
    budget.wait(waiter("c", 60));
    budget.release(50);
    expect(order).to.deep.equal([]);
    budget.release(100);
    expect(order).to.deep.equal(["a", "b"]);
  });

  it("lets one waiter through when nothing was given back for a whole sweep period", () => {
    const budget = new RequestBudget({ limitBytes: 100 });
    let admitted = 0;
    budget.charge(100);
    budget.wait({ budgetAvailable: () => admitted++ });
    budget.wait({ budgetAvailable: () => admitted++ });
    budget.sweep();
    expect(admitted).to.equal(1);
  });
});
