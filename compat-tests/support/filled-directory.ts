/**
 * A data directory that Samsa filled with all that its logs can hold: several segments, every codec, both kinds of timestamps, an idempotent
 * producer, deleted records, a compacted topic that was compacted, transactions of all outcomes, committed group offsets, an empty topic.
 *
 * ```ts
 * const samsa = await BrokerProcess.start({ overrides: FILLING });
 * await fillDirectory(samsa, "killed"); // the broker runs afterwards
 * ```
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import kafkajs from "kafkajs";
import { OffsetCommit } from "../../protocol/apis/08-offset-commit.ts";
import { FindCoordinator } from "../../protocol/apis/10-find-coordinator.ts";
import { nullLogger } from "../../src/logging/index.ts";
import { createNodePlatform } from "../../src/platform/node.ts";
import { RpcConnection } from "../../src/rpc/index.ts";
import type { BrokerProcess } from "./broker-process.ts";
import { kafkajsClient } from "./kafkajs.ts";

const { CompressionTypes } = kafkajs;
const CODECS = ["None", "GZIP", "Snappy", "LZ4", "ZSTD"] as const;
const SCRIPT = fileURLToPath(new URL("append-transactions.ts", import.meta.url));
const POLL_MS = 100;
const COMPACTED_WITHIN_MS = 20_000;

/** What the broker has to be started with. */
export const FILLING = { "log.cleaner.backoff.ms": "200", "offsets.topic.num.partitions": "2" };
export const DELETED_BELOW = 40;
export const GROUP = "readers";
export const TRANSACTIONAL = "txn";

/** Topics by name, with their configs beside small segments. */
export const TOPICS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  segmented: {},
  compacted: { "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01" },
  deleted: {},
  empty: {},
  idempotent: {},
  stamped: { "message.timestamp.type": "LogAppendTime" },
  [TRANSACTIONAL]: {},
};

/** A connection that has agreed on versions. */
export async function connectTo(address: string): Promise<RpcConnection> {
  const [host, port] = address.split(":") as [string, string];
  const connection = new RpcConnection(
    { host, port: Number(port), clientId: "samsa-tests" },
    { platform: createNodePlatform(), logger: nullLogger },
  );
  await connection.connect();
  await connection.negotiate();
  return connection;
}

/** Fills the directory of a new broker; `ending` says how what appended the transactions left it to the broker. */
export async function fillDirectory(samsa: BrokerProcess, ending: "clean" | "killed"): Promise<void> {
  await produce(samsa.address);
  await commitOffsets(samsa.address, 17);
  await untilCompacted(samsa.dataDir);
  await samsa.stop();
  await appendTransactions(samsa.dataDir, ending);
  await samsa.restart();
  await untilReadable(() => produceMore(samsa.address));
}

/** Commits an offset of {@link GROUP} for a member-less consumer. */
export async function commitOffsets(address: string, committedOffset: number): Promise<void> {
  await untilReadable(async () => {
    const connection = await connectTo(address);
    try {
      // Makes the offsets topic, when it is not there yet.
      await connection.send(FindCoordinator, 4, { key: "", keyType: 0, coordinatorKeys: [GROUP] });
      const { topics } = await connection.send(OffsetCommit, 8, {
        groupId: GROUP,
        generationIdOrMemberEpoch: -1,
        memberId: "",
        topics: [
          {
            name: "segmented",
            topicId: "AAAAAAAAAAAAAAAAAAAAAA",
            partitions: [
              {
                partitionIndex: 0,
                committedOffset,
                committedLeaderEpoch: 0,
                committedMetadata: `at ${committedOffset} ü`,
              },
            ],
          },
        ],
      });
      const errorCode = topics[0]!.partitions[0]!.errorCode;
      if (errorCode !== 0) throw new Error(`OffsetCommit: ${errorCode}`);
    } finally {
      connection.close();
    }
  });
}

/** Does `work` once it succeeds: listening comes before leading and coordinating. */
export async function untilReadable<T>(work: () => Promise<T>, withinMs = 40_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
    }
  }
}

async function produce(address: string): Promise<void> {
  const client = kafkajsClient(address, { retry: { retries: 5 } });
  const admin = client.admin();
  await admin.connect();
  const topics = Object.entries(TOPICS).map(([topic, configs]) => ({
    topic,
    numPartitions: 1,
    replicationFactor: 1,
    configEntries: Object.entries({ "internal.segment.bytes": "20000", ...configs }).map(([name, value]) => ({
      name,
      value,
    })),
  }));
  await admin.createTopics({ topics });
  const producer = client.producer();
  await producer.connect();
  const messagesOf = (round: number, count: number) =>
    Array.from({ length: count }, (_, index) => ({
      key: `key-${index}`,
      value: `round ${round} record ${index} ${"x".repeat(100)}`,
      headers: { round: String(round), nothing: "" },
    }));
  for (let round = 0; round < 50; round += 1) {
    const compression = CompressionTypes[CODECS[round % CODECS.length]!];
    const messages = messagesOf(round, 20);
    await producer.send({ topic: "segmented", acks: -1, compression, messages });
    // Every third round deletes some keys.
    const compacted = messages.map((message, index) =>
      round % 3 === 2 && index > 14 ? { ...message, value: null } : message,
    );
    await producer.send({ topic: "compacted", acks: -1, compression, messages: compacted });
    if (round >= 10) continue;
    await producer.send({ topic: "deleted", acks: -1, messages: messagesOf(round, 10) });
    await producer.send({ topic: "stamped", acks: -1, compression, messages: messagesOf(round, 10) });
  }
  await producer.disconnect();
  const idempotent = client.producer({ idempotent: true, maxInFlightRequests: 1 });
  await idempotent.connect();
  for (let round = 0; round < 20; round += 1)
    await idempotent.send({ topic: "idempotent", messages: [{ key: `key-${round}`, value: `round ${round}` }] });
  await idempotent.disconnect();
  // kafkajs looks for the leader in the metadata that it has, and this fetches it.
  await admin.fetchTopicOffsets("deleted");
  await admin.deleteTopicRecords({ topic: "deleted", partitions: [{ partition: 0, offset: String(DELETED_BELOW) }] });
  await admin.disconnect();
}

/** A few more records behind the transactions, so that what is left unclean has them. */
async function produceMore(address: string): Promise<void> {
  const producer = kafkajsClient(address, { retry: { retries: 5 } }).producer();
  await producer.connect();
  for (const topic of ["segmented", TRANSACTIONAL])
    await producer.send({ topic, acks: -1, messages: [{ key: "after", value: "the restart" }] });
  await producer.disconnect();
}

/** Waits until all but the active segment of the compacted topic was compacted: from then on nothing there changes. */
async function untilCompacted(dataDir: string): Promise<void> {
  await untilReadable(async () => {
    const checkpoint = readFileSync(join(dataDir, "cleaner-offset-checkpoint"), "utf8");
    const cleanedOffset = Number(/^compacted 0 (\d+)$/m.exec(checkpoint)?.[1] ?? -1);
    const segments = readdirSync(join(dataDir, "compacted-0")).filter(name => name.endsWith(".log"));
    const active = Number(segments.at(-1)!.slice(0, 20));
    if (cleanedOffset < active) throw new Error(`compacted up to ${cleanedOffset} of ${active}`);
  }, COMPACTED_WITHIN_MS);
}

function appendTransactions(dataDir: string, ending: "clean" | "killed"): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [SCRIPT, dataDir, TRANSACTIONAL, ending], (error, _stdout, stderr) => {
      if (error === null || (ending === "killed" && error.signal === "SIGKILL")) resolve();
      else reject(new Error(`transactions could not be appended:\n${stderr}`, { cause: error }));
    });
  });
}
