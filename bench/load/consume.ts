/** Fetches a topic over and over from its beginning, as fast as the broker answers. */
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { decodeResponse, encodeRequest } from "../../protocol/frame.ts";
import { baseOffsetAt, batchSizeAt, lastOffsetDeltaAt, recordCountAt } from "../../protocol/records/batch.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { Latencies } from "./latencies.ts";
import { delay, type LoadResult } from "./produce.ts";
import { WireConnection } from "./wire-connection.ts";

const FETCH_VERSION = 11;
const OFFSET_OUT_OF_RANGE = 1;

export interface ConsumeLoad {
  readonly kind: "consume";
  readonly address: string;
  readonly topic: string;
  readonly partitions: number;
  readonly recordSizeBytes: number;
  readonly connections: number;
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** Most bytes of a partition in one answer: what librdkafka and the Java client ask for. */
const PARTITION_MAX_BYTES = 1024 * 1024;
const FETCH_MAX_BYTES = 50 * 1024 * 1024;

export async function runConsume(load: ConsumeLoad, onMeasuring: () => void): Promise<LoadResult> {
  const latencies = new Latencies();
  let isMeasuring = false;
  let isOver = false;
  let requests = 0;
  let records = 0;

  const run = async (): Promise<void> => {
    const nextOffsets = new Array<number>(load.partitions).fill(0);
    let sentMs = 0;
    const send = (): void => {
      if (isOver) {
        connection.close();
        return;
      }
      sentMs = performance.now();
      const partitions = nextOffsets.map((fetchOffset, partition) => ({
        partition,
        fetchOffset,
        partitionMaxBytes: PARTITION_MAX_BYTES,
      }));
      const body = {
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: FETCH_MAX_BYTES,
        topics: [{ topic: load.topic, topicId: ZERO_UUID, partitions }],
        forgottenTopicsData: [],
      };
      connection.send(Buffer.concat(encodeRequest(Fetch, FETCH_VERSION, 1, "bench", body)));
    };
    const connection = await WireConnection.open(load.address, answer => {
      const { body } = decodeResponse(Fetch, FETCH_VERSION, answer);
      if (isMeasuring) {
        requests++;
        latencies.add(performance.now() - sentMs);
      }
      for (const partition of body.responses[0]?.partitions ?? []) {
        const index = partition.partitionIndex;
        if (partition.errorCode === OFFSET_OUT_OF_RANGE) nextOffsets[index] = 0;
        else if (partition.errorCode !== 0) throw new Error(`fetch failed with error ${partition.errorCode}`);
        const count = isMeasuring ? countRecords(partition.records) : 0;
        records += count;
        const end = endOffset(partition.records, nextOffsets[index]!);
        // At the end of the partition it starts again, so that the load lasts.
        nextOffsets[index] = end >= partition.highWatermark ? 0 : end;
      }
      send();
    });
    send();
  };

  for (let index = 0; index < load.connections; index++) await run();
  await delay(load.warmupMs);
  isMeasuring = true;
  onMeasuring();
  const started = performance.now();
  await delay(load.durationMs);
  isMeasuring = false;
  isOver = true;
  const seconds = (performance.now() - started) / 1000;
  return { seconds, requests, records, valueBytes: records * load.recordSizeBytes, latency: latencies.summary() };
}

function countRecords(batches: Buffer | null): number {
  let count = 0;
  eachWholeBatch(batches, at => {
    count += recordCountAt(batches!, at);
  });
  return count;
}

function endOffset(batches: Buffer | null, otherwise: number): number {
  let end = otherwise;
  eachWholeBatch(batches, at => {
    end = baseOffsetAt(batches!, at) + lastOffsetDeltaAt(batches!, at) + 1;
  });
  return end;
}

/** Kafka may cut the last batch short. */
function eachWholeBatch(batches: Buffer | null, visit: (at: number) => void): void {
  if (batches === null) return;
  for (let at = 0; batches.length - at >= 61; at += batchSizeAt(batches, at)) {
    if (batches.length - at < batchSizeAt(batches, at)) return;
    visit(at);
  }
}
