import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import type { PartitionLog } from "../../src/log/index.ts";
import type { PartitionImage } from "../../src/metadata/topics-image.ts";
import { Counter } from "../../src/metrics/index.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import { DelayedFetch } from "../../src/replication/delayed-fetch.ts";
import { DelayedProduce } from "../../src/replication/delayed-produce.ts";
import { Partition } from "../../src/replication/partition.ts";
import type { PartitionHost } from "../../src/replication/partition-host.ts";
import { TimerWheel } from "../../src/replication/timer-wheel.ts";

/** A log of which the test decides when it is flushed and what fails. */
class FakeLog {
  logStartOffset = 0;
  logEndOffset = 0;
  get promisedOffset(): number {
    return this.flushedOffset;
  }
  writtenOffset = 0;
  flushedOffset = 0;
  highWatermark = 0;
  leaderEpoch = 0;
  readonly failure = null;
  flushRequests = 0;
  /** Partitions whose followers are to be told at the end of the tick. */
  untold: { tellFollowers(): void }[] = [];
  #flushed: () => void = () => {};
  #failed: (log: unknown, endOffset: number, errorCode: number) => void = () => {};

  get lastStableOffset(): number {
    return this.highWatermark;
  }

  append(records: Buffer) {
    const baseOffset = this.logEndOffset;
    this.logEndOffset += records[0]!;
    return {
      ok: true,
      baseOffset,
      lastOffset: this.logEndOffset - 1,
      logAppendTimeMs: -1,
      logStartOffset: 0,
      duplicate: false,
    };
  }

  flush(offset = this.logEndOffset): void {
    this.flushedOffset = offset;
    this.#flushed();
  }

  takeBack(endOffset: number): void {
    this.logEndOffset = endOffset;
    this.#failed(this, endOffset, Errors.KAFKA_STORAGE_ERROR);
  }

  updateHighWatermark(offset: number): void {
    this.highWatermark = offset;
  }

  assignEpochStart(): void {}

  onFlushed(listener: () => void): () => void {
    this.#flushed = listener;
    return () => {
      this.#flushed = () => {};
    };
  }

  onAppendFailed(listener: (log: unknown, endOffset: number, errorCode: number) => void): () => void {
    this.#failed = listener;
    return () => {};
  }
}

const counters = { producedRecords: new Counter(), producedBytes: new Counter(), fetchedBytes: new Counter() };
const appendOptions = { leaderEpoch: 0, origin: "client", retain: true, nowMs: 0 } as const;

function image(changes: Partial<PartitionImage> = {}): PartitionImage {
  return { leader: 1, leaderEpoch: 0, partitionEpoch: 0, replicas: [1], isr: [1], ...changes } as PartitionImage;
}

function hostOf(log: FakeLog): PartitionHost {
  return {
    clock: { now: () => 0, monotonic: () => 0 },
    requestFlush: () => {
      log.flushRequests += 1;
    },
    brokerOf: () => undefined,
    lagTimeMaxMs: () => 30_000,
    brokerEpoch: () => 1,
    proposeIsr: () => {},
    tellFollowersLater: partition => log.untold.push(partition),
    isrChanged: () => {},
    hurriesHighWatermark: false,
  };
}

function leader(changes: Partial<PartitionImage> = {}, minInSyncReplicas = 1) {
  const log = new FakeLog();
  const partition = new Partition(
    { nodeId: 1, topic: "t", topicId: "id", index: 0 },
    { log: log as unknown as PartitionLog, counters, host: hostOf(log) },
  );
  partition.becomeLeader(image(changes), minInSyncReplicas);
  /** Appends so many records, 100 bytes each. */
  const append = (count: number) => {
    const records = Buffer.alloc(count * 100);
    records[0] = count;
    return partition.append(records, appendOptions);
  };
  return { log, partition, append };
}

describe("Partition", () => {
  it("has its high watermark where the log is flushed, not where it ends", () => {
    const { log, partition, append } = leader();
    append(3);
    expect([partition.highWatermark, partition.logEndOffset]).to.deep.equal([0, 3]);
    log.flush();
    expect(partition.highWatermark).to.equal(3);
  });

  it("checks a client's leader epoch before its own role", () => {
    const { partition } = leader({ leaderEpoch: 5 });
    expect(partition.check(-1)).to.equal(0);
    expect(partition.check(5)).to.equal(0);
    expect(partition.check(4)).to.equal(Errors.FENCED_LEADER_EPOCH);
    expect(partition.check(6)).to.equal(Errors.UNKNOWN_LEADER_EPOCH);
    partition.becomeFollower(image({ leader: 2, leaderEpoch: 6 }));
    expect(partition.check(6)).to.equal(Errors.NOT_LEADER_OR_FOLLOWER);
  });

  it("counts a minimum of in-sync replicas above the number of replicas as that number", () => {
    expect(leader({ replicas: [1], isr: [1] }, 2).partition.isUnderMinIsr).to.equal(false);
    expect(leader({ replicas: [1, 2, 3], isr: [1] }, 2).partition.isUnderMinIsr).to.equal(true);
  });

  it("is offline without a log", () => {
    const partition = new Partition(
      { nodeId: 1, topic: "t", topicId: "id", index: 0 },
      { log: null, counters, host: hostOf(new FakeLog()) },
    );
    partition.becomeLeader(image(), 1);
    expect(partition.check(-1)).to.equal(Errors.KAFKA_STORAGE_ERROR);
  });

  it("settles when all that was appended is durable", async () => {
    const { log, partition, append } = leader();
    expect(partition.settle()).to.equal(undefined);
    append(2);
    const settled = partition.settle();
    expect(log.flushRequests).to.equal(1);
    log.flush();
    await settled;
  });

  describe("DelayedProduce", () => {
    function produce(batches: readonly [Partition, number][], timeoutMs = 1_000) {
      const platform = createMemoryPlatform();
      const failures: number[] = [];
      let isDone = false;
      const operation = new DelayedProduce<number>({
        failed: (_batch, errorCode) => failures.push(errorCode),
        completed: () => {
          isDone = true;
        },
      });
      for (const [index, [partition, offset]] of batches.entries()) operation.await(partition, offset, index);
      operation.begin(new TimerWheel({ bucketMs: 5 }, platform), timeoutMs);
      return { platform, failures, isDone: () => isDone };
    }

    it("completes when the last of its partitions is flushed", () => {
      const [one, two] = [leader(), leader()];
      one.append(1);
      two.append(1);
      const { failures, isDone } = produce([
        [one.partition, 1],
        [two.partition, 1],
      ]);
      one.log.flush();
      expect(isDone()).to.equal(false);
      two.log.flush();
      expect(isDone()).to.equal(true);
      expect(failures).to.deep.equal([]);
    });

    it("is not done by a first batch that is durable already", () => {
      const [one, two] = [leader(), leader()];
      one.append(1);
      one.log.flush();
      two.append(1);
      const { isDone } = produce([
        [one.partition, 1],
        [two.partition, 1],
      ]);
      expect(isDone()).to.equal(false);
      two.log.flush();
      expect(isDone()).to.equal(true);
    });

    it("times out with REQUEST_TIMED_OUT for what is not there", async () => {
      const [one, two] = [leader(), leader()];
      one.append(1);
      two.append(1);
      const { platform, failures, isDone } = produce([
        [one.partition, 1],
        [two.partition, 1],
      ]);
      one.log.flush();
      await platform.time.advance(990);
      expect(isDone()).to.equal(false);
      await platform.time.advance(20);
      expect(isDone()).to.equal(true);
      expect(failures).to.deep.equal([Errors.REQUEST_TIMED_OUT]);
      two.log.flush();
    });

    it("fails what could not be written, and only that", () => {
      const { log, partition, append } = leader();
      append(1);
      const kept = produce([[partition, 1]]);
      append(1);
      const lost = produce([[partition, 2]]);
      log.takeBack(1);
      expect(lost.failures).to.deep.equal([Errors.KAFKA_STORAGE_ERROR]);
      expect(kept.isDone()).to.equal(false);
      log.flush();
      expect([kept.isDone(), kept.failures]).to.deep.equal([true, []]);
    });

    it("fails with NOT_LEADER_OR_FOLLOWER when leadership goes", () => {
      const { partition, append } = leader();
      append(1);
      const { failures } = produce([[partition, 1]]);
      partition.becomeFollower(image({ leader: 2, leaderEpoch: 1 }));
      expect(failures).to.deep.equal([Errors.NOT_LEADER_OR_FOLLOWER]);
    });
  });

  describe("DelayedFetch", () => {
    function fetch(partitions: readonly Partition[], missingBytes: number, isolation: DelayedFetch["isolation"]) {
      let wakeUps = 0;
      const operation = new DelayedFetch({ missingBytes, isolation }, () => {
        wakeUps += 1;
      });
      for (const partition of partitions) operation.watch(partition);
      return { operation, wakeUps: () => wakeUps };
    }

    it("of a consumer is woken when enough bytes are below the high watermark, over its partitions", () => {
      const [one, two] = [leader(), leader()];
      const { wakeUps } = fetch([one.partition, two.partition], 300, "high-watermark");
      one.append(2);
      one.log.flush();
      two.append(1);
      expect(wakeUps()).to.equal(0);
      two.log.flush();
      expect(wakeUps()).to.equal(1);
      two.append(5);
      two.log.flush();
      expect(wakeUps()).to.equal(1);
    });

    it("hurries the flush of what is appended, for a consumer waits for it", () => {
      const { log, partition, append } = leader();
      fetch([partition], 1, "high-watermark");
      expect(log.flushRequests).to.equal(0);
      append(1);
      expect(log.flushRequests).to.equal(1);
    });

    it("of a follower is woken by appends, at the end of the tick", () => {
      const { log, partition, append } = leader();
      const endTick = () => {
        for (const told of log.untold.splice(0)) told.tellFollowers();
      };
      const { wakeUps } = fetch([partition], 250, "log-end");
      append(1);
      append(1);
      expect(log.untold).to.have.lengthOf(1);
      endTick();
      expect(wakeUps()).to.equal(0);
      append(1);
      expect(wakeUps()).to.equal(0);
      endTick();
      expect(wakeUps()).to.equal(1);
    });

    it("does not count what was taken back", () => {
      const { log, partition, append } = leader();
      const { wakeUps } = fetch([partition], 200, "high-watermark");
      append(2);
      log.takeBack(0);
      append(1);
      log.flush();
      expect(wakeUps()).to.equal(0);
      append(1);
      log.flush();
      expect(wakeUps()).to.equal(1);
    });

    it("is woken by a change of leadership and by the partition's end", () => {
      const { partition } = leader();
      const first = fetch([partition], 1, "high-watermark");
      partition.becomeFollower(image({ leader: 2, leaderEpoch: 1 }));
      expect(first.wakeUps()).to.equal(1);
      const second = fetch([partition], 1, "high-watermark");
      partition.close();
      expect(second.wakeUps()).to.equal(1);
    });
  });
});
