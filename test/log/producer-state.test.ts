import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { decodeProducerSnapshot, encodeProducerSnapshot } from "../../src/log/producer-snapshot.ts";
import { type ProducerBatch, ProducerState } from "../../src/log/producer-state.ts";
import { kafkaFiles } from "./support/kafka-data.ts";

function batch(
  baseSequence: number,
  count: number,
  baseOffset: number,
  overrides: Partial<ProducerBatch> = {},
): ProducerBatch {
  return {
    producerId: 7,
    producerEpoch: 0,
    baseSequence,
    baseOffset,
    lastOffset: baseOffset + count - 1,
    maxTimestamp: 1000,
    isTransactional: false,
    ...overrides,
  };
}

function marker(
  offset: number,
  isCommit: boolean,
  overrides: { producerEpoch?: number; coordinatorEpoch?: number } = {},
) {
  return { producerId: 7, producerEpoch: 0, coordinatorEpoch: 1, offset, timestamp: 1000, isCommit, ...overrides };
}

describe("ProducerState", () => {
  it("takes sequences in order and refuses gaps and repeats outside the window", () => {
    const state = new ProducerState();
    for (let index = 0; index < 6; index += 1) {
      expect(state.check(batch(index * 10, 10, index * 10)).kind).to.equal("new");
      state.update(batch(index * 10, 10, index * 10));
    }
    const gap = state.check(batch(70, 10, 60));
    expect(gap).to.include({ kind: "refused", errorCode: Errors.OUT_OF_ORDER_SEQUENCE_NUMBER });
    expect(state.check(batch(0, 10, 60)).kind).to.equal("refused");
    expect(state.check(batch(60, 10, 60)).kind).to.equal("new");
  });

  it("answers a repeat of one of the last five batches with its offsets", () => {
    const state = new ProducerState();
    for (let index = 0; index < 6; index += 1) state.update(batch(index * 10, 10, 100 + index * 10));
    for (let index = 1; index < 6; index += 1) {
      const again = state.check(batch(index * 10, 10, 900));
      expect(again).to.include({ kind: "duplicate", baseOffset: 100 + index * 10, lastOffset: 109 + index * 10 });
    }
    expect(state.check(batch(50, 5, 900)).kind, "same start, other end").to.equal("refused");
  });

  it("takes any first sequence of a producer it does not know", () => {
    expect(new ProducerState().check(batch(4711, 1, 0)).kind).to.equal("new");
  });

  it("wraps sequences from 2^31-1 to 0", () => {
    const state = new ProducerState();
    state.update(batch(2 ** 31 - 5, 10, 0));
    expect(state.check(batch(5, 1, 10)).kind).to.equal("new");
    expect(state.check(batch(2 ** 31 - 5, 10, 900))).to.include({ kind: "duplicate", baseOffset: 0 });
  });

  it("fences older epochs and lets newer ones begin at 0 only", () => {
    const state = new ProducerState();
    state.update(batch(0, 1, 0, { producerEpoch: 3 }));
    expect(state.check(batch(1, 1, 1, { producerEpoch: 2 }))).to.include({ errorCode: Errors.INVALID_PRODUCER_EPOCH });
    expect(state.check(batch(1, 1, 1, { producerEpoch: 4 }))).to.include({
      errorCode: Errors.OUT_OF_ORDER_SEQUENCE_NUMBER,
    });
    expect(state.check(batch(0, 1, 1, { producerEpoch: 4 })).kind).to.equal("new");
  });

  it("holds readers back at open transactions and at ended ones above the high watermark", () => {
    const state = new ProducerState();
    expect(state.firstUnstableOffset).to.equal(null);
    state.update(batch(0, 2, 10, { isTransactional: true }));
    state.update(batch(0, 2, 12, { isTransactional: true, producerId: 8 }));
    state.update(batch(2, 2, 14, { isTransactional: true }));
    expect(state.firstUnstableOffset).to.equal(10);
    expect(state.updateMarker(marker(16, false))).to.deep.equal({
      producerId: 7,
      firstOffset: 10,
      lastOffset: 16,
      lastStableOffset: 12,
    });
    expect(state.firstUnstableOffset).to.equal(10);
    state.highWatermarkMoved(16);
    expect(state.firstUnstableOffset, "the marker itself is not committed").to.equal(10);
    state.highWatermarkMoved(17);
    expect(state.firstUnstableOffset).to.equal(12);
    expect(state.updateMarker({ ...marker(17, true), producerId: 8 })).to.equal(null);
    state.highWatermarkMoved(18);
    expect(state.firstUnstableOffset).to.equal(null);
  });

  it("refuses markers of older coordinators and epochs", () => {
    const state = new ProducerState();
    state.update(batch(0, 1, 0, { producerEpoch: 3, isTransactional: true }));
    state.updateMarker(marker(1, true, { producerEpoch: 3, coordinatorEpoch: 5 }));
    expect(state.checkMarker(marker(2, true, { producerEpoch: 3, coordinatorEpoch: 4 }))).to.include({
      errorCode: Errors.TRANSACTION_COORDINATOR_FENCED,
    });
    expect(state.checkMarker(marker(2, true, { producerEpoch: 2, coordinatorEpoch: 5 }))).to.include({
      errorCode: Errors.INVALID_PRODUCER_EPOCH,
    });
  });

  it("forgets idle producers, but none with an open transaction", () => {
    const state = new ProducerState();
    state.update(batch(0, 1, 0));
    state.update(batch(0, 1, 1, { producerId: 8, isTransactional: true }));
    expect(state.expire(1999, 1000)).to.equal(0);
    expect(state.expire(2000, 1000)).to.equal(1);
    expect(state.get(8)).to.not.equal(undefined);
  });
});

describe("producer snapshots", () => {
  it("are those of Kafka, read and written back byte for byte", () => {
    let count = 0;
    for (const [path, contents] of kafkaFiles("clean")) {
      if (!path.endsWith(".snapshot")) continue;
      const entries = decodeProducerSnapshot(contents);
      expect(entries, path).to.not.equal(null);
      const state = new ProducerState();
      state.restore(entries!);
      expect(encodeProducerSnapshot(state).toString("hex"), path).to.equal(contents.toString("hex"));
      count += 1;
    }
    expect(count).to.be.above(50);
  });

  it("are not believed when a byte is wrong", () => {
    const state = new ProducerState();
    state.update(batch(0, 1, 0));
    const contents = encodeProducerSnapshot(state);
    expect(decodeProducerSnapshot(contents)).to.not.equal(null);
    for (let at = 0; at < contents.length; at += 1) {
      const damaged = Buffer.from(contents);
      damaged[at]! ^= 1;
      expect(decodeProducerSnapshot(damaged), `byte ${at}`).to.equal(null);
    }
    expect(decodeProducerSnapshot(contents.subarray(0, 20))).to.equal(null);
  });
});
