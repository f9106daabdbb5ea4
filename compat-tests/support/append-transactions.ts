/**
 * Appends transactions to the logs of a broker that is stopped: `node append-transactions.ts <data directory> <topic> clean|killed`.
 *
 * One of each kind and every codec, interleaved: committed, aborted, and open at the end. `killed` leaves the directory as kill -9 does, all of
 * it durable. The markers are what a transaction coordinator would have written.
 */
import { endTransactionBatch } from "../../protocol/records/control.ts";
import { BatchBuilder, CODEC } from "../../protocol/records/index.ts";
import { DEFAULT_LOG_CONFIG, defaultLogManagerOptions, LogManager, type PartitionLog } from "../../src/log/index.ts";
import { nullLogger } from "../../src/logging/index.ts";
import { Metrics } from "../../src/metrics/index.ts";
import { createNodePlatform } from "../../src/platform/node.ts";

const [dataDir, topic, ending] = process.argv.slice(2) as [string, string, "clean" | "killed"];
const COMMITTED = 9001;
const ABORTED = 9002;
const OPEN = 9003;
const ROUNDS = 40;
const RECORDS = 5;

const platform = createNodePlatform();
const config = { ...DEFAULT_LOG_CONFIG, segmentSizeBytes: 8_000 };
const logs = new LogManager(
  { ...defaultLogManagerOptions(dataDir), configOf: () => config },
  {
    platform,
    logger: nullLogger,
    metrics: new Metrics(),
    onFatal: error => {
      throw error;
    },
  },
);
await logs.openMetadataLog();
await logs.open();
for (const log of logs.all()) if (log.topicPartition.topic === topic) await appendTransactions(log);
if (ending === "killed") process.kill(process.pid, "SIGKILL");
await logs.close();

async function appendTransactions(log: PartitionLog): Promise<void> {
  const sequences = new Map([COMMITTED, ABORTED, OPEN].map(producerId => [producerId, 0]));
  const codecs = Object.values(CODEC);
  for (let round = 0; round < ROUNDS; round += 1) {
    const codec = codecs[round % codecs.length]!;
    for (const producerId of [COMMITTED, ABORTED]) append(log, batchOf(producerId, codec));
    append(log, markerOf(COMMITTED, "commit"));
    // Of the aborted ones, some hold batches of several rounds.
    if (round % 3 === 2) append(log, markerOf(ABORTED, "abort"));
  }
  append(log, batchOf(OPEN, CODEC.zstd));
  append(log, batchOf(COMMITTED, CODEC.lz4));
  append(log, markerOf(COMMITTED, "commit"));
  await logs.flush(log);

  function batchOf(producerId: number, codec: (typeof codecs)[number]): Buffer {
    const baseSequence = sequences.get(producerId)!;
    sequences.set(producerId, baseSequence + RECORDS);
    const builder = new BatchBuilder({ producerId, producerEpoch: 0, baseSequence, transactional: true, codec });
    for (let index = 0; index < RECORDS; index += 1)
      builder.append({
        timestamp: platform.clock.now(),
        key: Buffer.from(`key-${index}`),
        value: Buffer.from(`producer ${producerId} record ${baseSequence + index} ${"x".repeat(50)}`),
        headers: [{ key: "producer", value: Buffer.from(String(producerId)) }],
      });
    return builder.build();
  }
}

function markerOf(producerId: number, type: "commit" | "abort"): Buffer {
  const producer = { producerId, producerEpoch: 0 };
  return endTransactionBatch({ type, coordinatorEpoch: 0 }, producer, { timestamp: platform.clock.now() });
}

function append(log: PartitionLog, batch: Buffer): void {
  const outcome = log.append(batch, {
    leaderEpoch: Math.max(log.leaderEpoch, 0),
    origin: "coordinator",
    retain: true,
    nowMs: platform.clock.now(),
  });
  if (!outcome.ok) throw new Error(outcome.message);
}
