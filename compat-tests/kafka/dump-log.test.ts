/** Every file of Samsa's data directories, read by kafka-dump-log. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import {
  encodeCoordinatorKey,
  encodeCoordinatorValue,
  transactionRecordSchemas,
} from "../../protocol/internal/coordinator-record.ts";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import { DEFAULT_LOG_CONFIG, defaultLogManagerOptions, LogManager } from "../../src/log/index.ts";
import { nullLogger } from "../../src/logging/index.ts";
import { Metrics } from "../../src/metrics/index.ts";
import { createNodePlatform } from "../../src/platform/node.ts";
import { BrokerProcess } from "../support/broker-process.ts";
import { FILLING, fillDirectory, TOPICS } from "../support/filled-directory.ts";
import { requireKafkaTools } from "../support/kafka-tools.ts";
import { ToolShell } from "../support/tool-shell.ts";

const DUMP = "org.apache.kafka.tools.DumpLogSegments";
const COMPLAINTS = ["Exception", "Mismatches in", "corrupt", "should be", "isvalid: false", "out of order"];
const DECODERS: Readonly<Record<string, string>> = {
  __cluster_metadata: "--cluster-metadata-decoder",
  __consumer_offsets: "--offsets-decoder",
  __share_group_state: "--share-group-state-decoder",
  __transaction_state: "--transaction-log-decoder",
};

describe("kafka-dump-log on Samsa's files", function () {
  this.timeout(120_000);
  let broker: BrokerProcess;
  let shell: ToolShell;

  before(async function () {
    this.timeout(300_000);
    requireKafkaTools(this);
    shell = ToolShell.start();
    broker = await BrokerProcess.start({ overrides: FILLING });
    await fillDirectory(broker, "clean");
  });

  after(async () => {
    await shell?.close();
    await broker?.dispose();
  });

  const folders = (): string[] =>
    readdirSync(broker.dataDir, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name);

  const files = (folder: string, ending: string): string[] =>
    readdirSync(join(broker.dataDir, folder))
      .filter(name => name.endsWith(ending))
      .map(name => join(broker.dataDir, folder, name));

  const allFiles = (ending: string): string[] => folders().flatMap(folder => files(folder, ending));

  /** Dumps files, and fails on every complaint that the tool knows. */
  async function dump(paths: readonly string[], ...options: string[]): Promise<string> {
    expect(paths, `files for ${options}`).not.to.have.length(0);
    const { exitCode, stdout, stderr } = await shell.run(DUMP, ...options, "--files", paths.join(","));
    expect(exitCode, stderr).to.equal(0);
    for (const complaint of COMPLAINTS) expect(stdout + stderr, complaint).not.to.contain(complaint);
    for (const path of paths) expect(stdout).to.contain(`Dumping ${path}`);
    return stdout;
  }

  function everyFileIsAccepted({ hasAllIndexes }: { hasAllIndexes: boolean }): void {
    it("reads every batch and record of every segment, offsets rising by one where nothing was compacted", async () => {
      for (const topic of Object.keys(TOPICS)) {
        const output = await dump(files(`${topic}-0`, ".log"), "--deep-iteration", "--print-data-log");
        const offsets = [...output.matchAll(/^\| offset: (\d+)/gm)].map(match => Number(match[1]));
        if (topic === "compacted") expect(offsets).to.deep.equal([...new Set(offsets)].sort((a, b) => a - b));
        else expect(offsets).to.deep.equal(offsets.map((_, index) => (offsets[0] ?? 0) + index));
        expect(offsets.length > 0, topic).to.equal(topic !== "empty");
        // The tool takes -1 for the offset before the first of every file, and so complains about all but the first segment.
        const gaps = [...output.matchAll(/^ {2}(-?\d+) is followed by \d+$/gm)].map(match => match[1]);
        if (topic !== "compacted") expect(gaps.filter(before => before !== "-1")).to.deep.equal([]);
      }
      expect(files("segmented-0", ".log").length).to.be.at.least(3);
    });

    it("finds every offset and time index sane and in agreement with its segment", async () => {
      // A kill leaves the last segment without indexes on disk; recovery makes them.
      const indexes = allFiles(".index");
      if (hasAllIndexes) expect(indexes.length).to.equal(allFiles(".log").length);
      await dump(indexes, "--index-sanity-check");
      await dump(indexes, "--verify-index-only");
      await dump(allFiles(".timeindex"), "--index-sanity-check");
      await dump(allFiles(".timeindex"), "--verify-index-only");
      await dump(allFiles(".timeindex"));
      expect(await dump(indexes)).to.match(/^offset: \d+ position: \d+$/m);
    });

    it("reads transaction indexes and producer snapshots", async () => {
      const aborted = await dump(files("txn-0", ".txnindex"));
      expect([...aborted.matchAll(/producerId: 9002 /g)]).to.have.length(13);
      const producers = await dump(files("txn-0", ".snapshot"));
      for (const producerId of [9001, 9002, 9003]) expect(producers).to.contain(`producerId: ${producerId} `);
      await dump(allFiles(".snapshot"));
    });

    it("decodes the internal topics and the cluster's metadata with its checkpoints", async () => {
      for (const [topic, decoder] of Object.entries(DECODERS)) {
        const logs = folders()
          .filter(folder => folder.startsWith(`${topic}-`))
          .flatMap(folder => files(folder, ".log"));
        if (logs.length > 0) await dump(logs, decoder);
      }
      const offsets = await dump(
        folders()
          .filter(folder => folder.startsWith("__consumer_offsets-"))
          .flatMap(folder => files(folder, ".log")),
        "--offsets-decoder",
      );
      expect(offsets).to.contain('"group":"readers"').and.contain('"metadata":"at 17 ü"');
      const metadata = await dump(files("__cluster_metadata-0", ".log"), "--cluster-metadata-decoder");
      expect(metadata).to.contain('"type":"TOPIC_RECORD"').and.contain('"type":"PARTITION_RECORD"');
      const snapshots = files("__cluster_metadata-0", ".checkpoint");
      await dump([...snapshots, join(broker.dataDir, "bootstrap.checkpoint")], "--cluster-metadata-decoder");
    });
  }

  it("decodes the states of transactions", async () => {
    const folder = mkdtempSync(join(tmpdir(), "samsa-transactions-"));
    try {
      await writeTransactionStates(folder);
      const log = join(folder, "__transaction_state-0", "00000000000000000000.log");
      const output = await dump([log], "--transaction-log-decoder", "--print-data-log");
      expect(output).to.contain('"transactionalId":"payments"').and.contain('"producerId":9001');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  describe("while the broker runs", () => everyFileIsAccepted({ hasAllIndexes: false }));

  describe("after kill -9", () => {
    before(() => broker.kill("SIGKILL"));
    everyFileIsAccepted({ hasAllIndexes: false });
  });

  describe("after recovery and a clean stop", () => {
    before(async () => {
      await broker.restart();
      await broker.stop();
    });
    everyFileIsAccepted({ hasAllIndexes: true });
  });
});

/** A log of transaction states as a coordinator keeps it, in a directory of its own. */
async function writeTransactionStates(directory: string): Promise<void> {
  const platform = createNodePlatform();
  const onFatal = (error: unknown): never => {
    throw error;
  };
  const logs = new LogManager(defaultLogManagerOptions(directory), {
    platform,
    logger: nullLogger,
    metrics: new Metrics(),
    onFatal,
  });
  await logs.open();
  const log = logs.create("__transaction_state", "dGVzdC10b3BpYy1pZC0xMg", 0, DEFAULT_LOG_CONFIG);
  const nowMs = platform.clock.now();
  const builder = new BatchBuilder();
  const key = encodeCoordinatorKey(transactionRecordSchemas.TransactionLog, { transactionalId: "payments" });
  const value = encodeCoordinatorValue(transactionRecordSchemas.TransactionLog, 1, {
    producerId: 9001,
    producerEpoch: 0,
    transactionTimeoutMs: 60_000,
    transactionStatus: 1,
    transactionPartitions: [{ topic: "txn", partitionIds: [0] }],
    transactionLastUpdateTimestampMs: nowMs,
    transactionStartTimestampMs: nowMs,
  });
  builder.append({ timestamp: nowMs, key, value }).append({ timestamp: nowMs, key, value: null });
  const outcome = log.append(builder.build(), { leaderEpoch: 0, origin: "coordinator", retain: true, nowMs });
  if (!outcome.ok) throw new Error(outcome.message);
  await logs.close();
}
