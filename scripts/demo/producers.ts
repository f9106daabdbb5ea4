/** The two producers of the demo. Each produces all rows into a topic while the broker is killed and restarted halfway, and says what was acknowledged. */
import { once } from "node:events";
import kafkajs from "kafkajs";
import type { BrokerProcess } from "../../compat-tests/support/broker-process.ts";
import { kafkajsClient } from "../../compat-tests/support/kafkajs.ts";
import { startKcatProducer } from "../../compat-tests/support/kcat.ts";
import { type Row, recordValue } from "./flights.ts";

export const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type CodecName = (typeof CODECS)[number];

/** What a producing run did. */
export interface ProduceReport {
  /** Values of the records whose acknowledgement arrived, in the order of sending. */
  readonly acknowledged: readonly string[];
  /** Records sent again as new ones because the kill left them unacknowledged. */
  readonly resent: number;
  /** From kill -9 to the broker's first accepted connection. */
  readonly downMs: number;
}

export type Produce = (
  broker: BrokerProcess,
  topic: string,
  codec: CodecName,
  rows: readonly Row[],
) => Promise<ProduceReport>;

const BATCH_ROWS = 1000;
const KAFKAJS_CODECS: Readonly<Record<CodecName, number>> = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
  snappy: kafkajs.CompressionTypes.Snappy,
  lz4: kafkajs.CompressionTypes.LZ4,
  zstd: kafkajs.CompressionTypes.ZSTD,
};

/** kafkajs, acks=all, without its own retries: a batch that fails is sent again by us, as new records. */
export const produceWithKafkajs: Produce = async (broker, topic, codec, rows) => {
  const acknowledged: string[] = [];
  let resent = 0;
  let downMs = 0;
  const send = async (batch: readonly Row[], attempt: number): Promise<void> => {
    const messages = batch.map(row => ({ key: row.key, value: recordValue(row, attempt) }));
    await producer.send({ topic, acks: -1, compression: KAFKAJS_CODECS[codec], messages });
    for (const message of messages) acknowledged.push(message.value);
  };
  let producer = kafkajsClient(broker.address).producer();
  await producer.connect();
  const killAfterRow = Math.floor(rows.length / 2);
  for (let at = 0; at < rows.length; at += BATCH_ROWS) {
    const batch = rows.slice(at, at + BATCH_ROWS);
    if (at <= killAfterRow && killAfterRow < at + BATCH_ROWS) {
      const sending = send(batch, 1).then(
        () => true,
        () => false,
      );
      downMs = await killAndRestart(broker);
      const wasAcknowledged = await sending;
      await producer.disconnect();
      producer = kafkajsClient(broker.address).producer();
      await producer.connect();
      if (wasAcknowledged) continue;
      resent += batch.length;
      await send(batch, 2);
    } else {
      await send(batch, 1);
    }
  }
  await producer.disconnect();
  return { acknowledged, resent, downMs };
};

/** kcat, idempotent: librdkafka itself retries over the restart and may duplicate nothing. Its exit code 0 acknowledges every row. */
export const produceWithKcat: Produce = async (broker, topic, codec, rows) => {
  const process = startKcatProducer(broker.address, topic, codec);
  const exited = once(process, "exit");
  let complaints = "";
  process.stderr?.on("data", chunk => (complaints += chunk));
  const input = process.stdin;
  if (input === null) throw new Error("kcat has no standard input");
  const acknowledged: string[] = [];
  let downMs = 0;
  const killAfterRow = Math.floor(rows.length / 2);
  for (let at = 0; at < rows.length; at += BATCH_ROWS) {
    let lines = "";
    for (const row of rows.slice(at, at + BATCH_ROWS)) {
      const value = recordValue(row, 1);
      acknowledged.push(value);
      lines += `${row.key}\t${value}\n`;
    }
    if (!input.write(lines)) await once(input, "drain");
    if (at <= killAfterRow && killAfterRow < at + BATCH_ROWS) downMs = await killAndRestart(broker);
  }
  input.end();
  const [code] = await exited;
  if (code !== 0) throw new Error(`kcat failed with ${code}: ${complaints}`);
  return { acknowledged, resent: 0, downMs };
};

async function killAndRestart(broker: BrokerProcess): Promise<number> {
  await broker.kill("SIGKILL");
  const killed = performance.now();
  await broker.restart();
  return performance.now() - killed;
}
