import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { setBaseOffset, setPartitionLeaderEpoch } from "../../protocol/records/batch.ts";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import { DEFAULT_LOG_CONFIG, defaultLogManagerOptions, LogManager, type PartitionLog } from "../../src/log/index.ts";
import { nullLogger } from "../../src/logging/index.ts";
import { Metrics } from "../../src/metrics/index.ts";
import { createMemoryPlatform, type MemoryPlatform } from "../../src/platform/memory.ts";
import { type FetchedData, FollowerRole } from "../../src/replication/follower-role.ts";

const TOPIC_ID = "b3JkZXJzLXRvcGljLWlkLQ";

/** A leader's batch of `count` records. */
function batch(baseOffset: number, count: number, leaderEpoch: number): Buffer {
  const builder = new BatchBuilder({ codec: 0 });
  for (let index = 0; index < count; index += 1)
    builder.append({
      timestamp: 1,
      key: null,
      value: Buffer.from(`${leaderEpoch}:${baseOffset + index}`),
      headers: [],
    });
  const records = builder.build();
  setBaseOffset(records, 0, baseOffset);
  setPartitionLeaderEpoch(records, 0, leaderEpoch);
  return records;
}

describe("FollowerRole", () => {
  let platform: MemoryPlatform;
  let log: PartitionLog;
  let logs: LogManager;
  let role: FollowerRole;

  beforeEach(async () => {
    platform = createMemoryPlatform();
    platform.disk.makeDirectory("/data");
    const modules = { platform, logger: nullLogger, metrics: new Metrics(), onFatal: () => {} };
    logs = new LogManager(defaultLogManagerOptions("/data"), modules);
    await platform.time.complete(logs.open());
    log = logs.create("t", TOPIC_ID, 0, DEFAULT_LOG_CONFIG);
    role = new FollowerRole({ leaderId: 2, leaderEpoch: 9 }, { log, clock: platform.clock });
  });

  async function flushed() {
    await platform.time.complete(logs.flush(log));
    return role.position!;
  }

  async function take(data: Partial<FetchedData>) {
    const asked = await flushed();
    return role.take(asked, {
      errorCode: Errors.NONE,
      highWatermark: 0,
      logStartOffset: 0,
      divergingEpoch: { epoch: -1, endOffset: -1 },
      records: null,
      ...data,
    });
  }

  it("claims nothing that is not flushed", async () => {
    await take({ records: batch(0, 3, 1) });
    expect(role.position).to.equal(null);
    expect(await flushed()).to.deep.equal({ leaderEpoch: 9, fetchOffset: 3, lastFetchedEpoch: 1, logStartOffset: 0 });
  });

  it("takes over the high watermark as far as it has the records, and never a lower one", async () => {
    await take({ records: batch(0, 3, 1), highWatermark: 5 });
    expect(log.highWatermark).to.equal(3);
    await take({ highWatermark: 1 });
    expect(log.highWatermark).to.equal(3);
    expect(role.lagRecords).to.equal(0);
  });

  it("truncates where the logs part, and takes no high watermark from such an answer", async () => {
    await take({ records: batch(0, 2, 1), highWatermark: 1 });
    await take({ records: batch(2, 4, 2) });
    const outcome = await take({ divergingEpoch: { epoch: 2, endOffset: 2 }, highWatermark: 6 });
    expect([outcome.kind, log.logEndOffset, log.highWatermark]).to.deep.equal(["truncated", 2, 1]);
  });

  it("forgets an epoch in which nothing was written, though nothing else is to be cut", async () => {
    await take({ records: batch(0, 2, 1) });
    log.assignEpochStart(5, 2);
    expect((await flushed()).lastFetchedEpoch).to.equal(5);
    await take({ divergingEpoch: { epoch: 1, endOffset: 4 } });
    expect((await flushed()).lastFetchedEpoch).to.equal(1);
  });

  it("passes over an answer to a position that is not its own any more, but for its high watermark", async () => {
    const asked = await flushed();
    await take({ records: batch(0, 2, 1) });
    const data = { errorCode: 0, logStartOffset: 0, divergingEpoch: { epoch: -1, endOffset: -1 } };
    const outcome = role.take(asked, { ...data, highWatermark: 2, records: batch(0, 2, 1) });
    expect([outcome.kind, log.logEndOffset, log.highWatermark]).to.deep.equal(["stale", 2, 2]);
    const ofOtherEpoch = { ...(await flushed()), leaderEpoch: 8 };
    expect(role.take(ofOtherEpoch, { ...data, highWatermark: 2, records: batch(2, 2, 1) }).kind).to.equal("stale");
    expect(log.logEndOffset).to.equal(2);
  });

  it("refuses damaged records and changes nothing", async () => {
    const records = batch(0, 2, 1);
    records[records.length - 1]! ^= 1;
    const outcome = await take({ records });
    expect([outcome.kind, log.logEndOffset]).to.deep.equal(["refused", 0]);
  });

  it("stays as it is where a full disk keeps it from truncating, and truncates when there is space", async () => {
    await take({ records: batch(0, 2, 1) });
    await take({ records: batch(2, 4, 2) });
    await flushed();
    await platform.time.complete(logs.checkpoint());
    const makeSpace = platform.disk.addFault({ operation: "writev", path: "recovery-point", code: "ENOSPC" });
    const diverging = { divergingEpoch: { epoch: 2, endOffset: 2 } };
    expect(await take(diverging)).to.include({ kind: "refused", errorCode: Errors.KAFKA_STORAGE_ERROR });
    expect(role.takeRange(await flushed(), 0, 2)).to.include({ kind: "refused" });
    expect([log.logEndOffset, log.failure]).to.deep.equal([6, null]);
    makeSpace();
    expect((await take(diverging)).kind).to.equal("truncated");
    expect(log.logEndOffset).to.equal(2);
  });

  for (const [what, before] of [
    ["is empty", () => role.takeRange(role.position!, 7, 20)],
    ["holds only what the leader has deleted", () => take({ records: batch(0, 7, 3) })],
  ] as const) {
    it(`begins anew with a batch in which the leader's log starts, where its own ${what}`, async () => {
      await before();
      expect((await flushed()).fetchOffset).to.equal(7);
      const outcome = await take({ records: batch(6, 3, 4), logStartOffset: 7, highWatermark: 9 });
      expect(outcome.kind).to.equal("appended");
      expect([log.logStartOffset, log.logEndOffset, log.highWatermark]).to.deep.equal([7, 9, 9]);
    });
  }

  it("goes into the leader's range: back to its end, or anew from its start", async () => {
    await take({ records: batch(0, 2, 1) });
    await take({ records: batch(2, 2, 1) });
    role.takeRange(await flushed(), 0, 2);
    expect(log.logEndOffset).to.equal(2);
    role.takeRange(await flushed(), 30, 40);
    expect([log.logStartOffset, log.logEndOffset]).to.deep.equal([30, 30]);
  });
});
