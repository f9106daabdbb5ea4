/**
 * What a broker allocates for a request, counted in a process of its own whose nursery is so large that nothing is collected meanwhile.
 *
 * Prints JSON: bytes on V8's heap and bytes of buffers outside of it, for each request of each kind. The client is in the same process and
 * allocates as little as it can; what it does allocate is the same every time.
 */
import { connect } from "node:net";
import { Produce } from "../../protocol/apis/00-produce.ts";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { encodeRequest } from "../../protocol/frame.ts";
import type { BrokerAddress } from "../../src/broker.ts";
import {
  batchOf,
  createTopic,
  fetchRequest,
  produceRequest,
  produceTo,
  RawClient,
  startTestBroker,
} from "../support/broker.ts";

/** What was allocated for one request. */
export interface Allocation {
  readonly heapBytes: number;
  readonly bufferBytes: number;
}

export type Allocations = Readonly<
  Record<"produce one record" | "produce ten records" | "fetch a megabyte from a file", Allocation>
>;

/** Requests under way at once. */
const PRODUCE_DEPTH = 32;
const FETCH_DEPTH = 8;
const PRODUCE_VERSION = 9;
const FETCH_VERSION = 12;
/** Memory of the size of a read that is handed out fresh: what pools are there to avoid. */
let bufferBytes = 0;

function countBuffers(): void {
  const { allocUnsafeSlow } = Buffer;
  Buffer.allocUnsafeSlow = size => {
    bufferBytes += size;
    return allocUnsafeSlow(size);
  };
}

/** Sends the same request over and over, `depth` at a time, and counts the answers' bytes alone. */
class Repeater {
  readonly #target: BrokerAddress;
  readonly #memory = Buffer.alloc(1 << 20);

  constructor(target: BrokerAddress) {
    this.#target = target;
  }

  async run(frame: Buffer, answerBytes: number, depth: number, rounds: number): Promise<void> {
    const burst = Buffer.concat(Array.from({ length: depth }, () => frame));
    const done = Promise.withResolvers<void>();
    let received = 0;
    let round = 0;
    const next = (): void => {
      if (round++ === rounds) done.resolve();
      else socket.write(burst);
    };
    const onread = {
      buffer: this.#memory,
      callback: (sizeBytes: number): boolean => {
        received += sizeBytes;
        if (received === answerBytes * depth) {
          received = 0;
          next();
        }
        return true;
      },
    };
    const socket = connect({ ...this.#target, noDelay: true, onread }, next);
    await done.promise;
    socket.destroy();
  }
}

async function measure(
  repeater: Repeater,
  frame: Buffer,
  answerBytes: number,
  depth: number,
  rounds: number,
): Promise<Allocation> {
  // Until the code is compiled for good and pools are filled.
  await repeater.run(frame, answerBytes, depth, rounds * 2);
  (globalThis.gc as () => void)();
  bufferBytes = 0;
  const before = process.memoryUsage().heapUsed;
  await repeater.run(frame, answerBytes, depth, rounds);
  const heapBytes = process.memoryUsage().heapUsed - before;
  const requests = rounds * depth;
  return { heapBytes: Math.round(heapBytes / requests), bufferBytes: Math.round(bufferBytes / requests) };
}

async function answerSize(client: RawClient, frame: Buffer): Promise<number> {
  client.write(frame);
  return 4 + (await client.frame())!.length;
}

countBuffers();
const broker = await startTestBroker({ config: { "samsa.log.tail.cache.bytes": 1 << 20 } });
const client = await RawClient.connect(broker.address);
const repeater = new Repeater(broker.address);
try {
  await createTopic(client, "small");
  await createTopic(client, "large");
  const produce = async (recordCount: number, rounds: number): Promise<Allocation> => {
    const batch = batchOf(Array.from({ length: recordCount }, () => "x".repeat(100)));
    const frame = Buffer.concat(
      encodeRequest(Produce, PRODUCE_VERSION, 1, "guard", produceRequest({ topic: "small" }, batch)),
    );
    return await measure(repeater, frame, await answerSize(client, frame), PRODUCE_DEPTH, rounds);
  };
  // More than the tail in memory holds, so that the first megabyte comes from the file.
  for (let count = 0; count < 8; count++) await produceTo(client, { topic: "large" }, batchOf(["y".repeat(500_000)]));
  const fetch = Buffer.concat(encodeRequest(Fetch, FETCH_VERSION, 1, "guard", fetchRequest([{ topic: "large" }])));
  const allocations: Allocations = {
    "produce one record": await produce(1, 300),
    "produce ten records": await produce(10, 300),
    "fetch a megabyte from a file": await measure(repeater, fetch, await answerSize(client, fetch), FETCH_DEPTH, 40),
  };
  process.stdout.write(JSON.stringify(allocations));
} finally {
  client.close();
  await broker.stop();
}
