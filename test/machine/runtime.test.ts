import { expect } from "chai";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { memoryLogger } from "../../src/logging/index.ts";
import { MachineRuntime, type MachineRuntimeOptions } from "../../src/machine/runtime.ts";
import type { StateMachine } from "../../src/machine/state-machine.ts";
import { SimulatedTime } from "../../src/platform/memory-time.ts";
import { type LedgerRecord, type LedgerRequest, type LedgerState, ledger, ledgerCodec } from "./support/ledger.ts";
import { MemoryLog } from "./support/memory-log.ts";

type Ledger = StateMachine<LedgerState, LedgerRequest, number, LedgerRecord>;

const OPTIONS: MachineRuntimeOptions = {
  name: "ledger",
  notLeaderErrorCode: Errors.NOT_CONTROLLER,
  maxUncommittedRequests: 1000,
  maxBatchSizeBytes: 1000,
};

function setUp(options: Partial<MachineRuntimeOptions> = {}, machine: Ledger = ledger) {
  const time = new SimulatedTime();
  const log = new MemoryLog<Buffer>();
  const logger = memoryLogger();
  const runtime = new MachineRuntime(
    { ...OPTIONS, ...options },
    { machine, codec: ledgerCodec, log, clock: time, timers: time, logger },
  );
  runtime.start();
  return { time, log, logger, runtime };
}

function leading(options: Partial<MachineRuntimeOptions> = {}, machine: Ledger = ledger) {
  const set = setUp(options, machine);
  set.log.elect();
  set.log.commit();
  return set;
}

/** Follows a promise without waiting for it. */
function watch<T>(promise: Promise<T>): { value?: T; error?: Error } {
  const seen: { value?: T; error?: Error } = {};
  promise.then(
    value => {
      seen.value = value;
    },
    error => {
      seen.error = error;
    },
  );
  return seen;
}

const deposit = (account: string, amount: number, times = 1): LedgerRequest => ({
  type: "deposit",
  account,
  amount,
  times,
});

describe("machine runtime: requests", () => {
  it("answers only once the records are committed", async () => {
    const { time, log, runtime } = leading();
    const seen = watch(runtime.submit(deposit("a", 5)));
    await time.advance(10);
    expect(log.logEndOffset).to.equal(2);
    expect(seen).to.deep.equal({});
    log.commit();
    await time.advance(0);
    expect(seen).to.deep.equal({ value: 5 });
  });

  it("decides upon what was decided before, committed or not", async () => {
    const { time, log, runtime } = leading();
    const seen = [
      watch(runtime.submit(deposit("a", 5))),
      watch(runtime.submit({ type: "transfer", from: "a", to: "b", amount: 3 })),
      watch(runtime.submit({ type: "transfer", from: "a", to: "b", amount: 3 })),
    ];
    await time.advance(0);
    log.commit();
    await time.advance(0);
    expect(seen[0]).to.deep.equal({ value: 5 });
    expect(seen[1]).to.deep.equal({ value: 2 });
    expect(seen[2]?.error).to.include({ code: Errors.INVALID_REQUEST });
    expect(Object.fromEntries(runtime.state.balances)).to.deep.equal({ a: 2, b: 3 });
  });

  it("appends all requests of a tick as one batch", async () => {
    const { time, log, runtime } = leading();
    for (let index = 0; index < 5; index++) watch(runtime.submit(deposit(`${index}`, 1)));
    await time.advance(0);
    expect(log.batches.slice(1).map(batch => batch.records.length)).to.deep.equal([5]);
  });

  it("splits the batch between requests, never within one, where it would grow too large", async () => {
    const { time, log, runtime } = leading({ maxBatchSizeBytes: 400 });
    for (let index = 0; index < 6; index++) watch(runtime.submit(deposit("a", 1, 3)));
    await time.advance(0);
    const sizes = log.batches.slice(1).map(batch => batch.records.length);
    expect(sizes).to.deep.equal([6, 6, 6]);
    log.commit();
    expect(runtime.state.balances.get("a")).to.equal(18);
  });

  it("refuses a decision that no batch can hold, and changes nothing", async () => {
    const { time, log, runtime } = leading({ maxBatchSizeBytes: 400 });
    const seen = watch(runtime.submit(deposit("a", 1, 50)));
    await time.advance(0);
    expect(seen.error).to.include({ code: Errors.RECORD_LIST_TOO_LARGE });
    expect(runtime.state.balances.size).to.equal(0);
    expect(log.logEndOffset).to.equal(1);
  });

  it("answers a read at once when all it saw is committed, else with what it saw", async () => {
    const { time, log, runtime } = leading();
    const early = watch(runtime.submit({ type: "balance", account: "a" }));
    await time.advance(0);
    expect(early).to.deep.equal({ value: 0 });
    watch(runtime.submit(deposit("a", 5)));
    const late = watch(runtime.submit({ type: "balance", account: "a" }));
    await time.advance(0);
    expect(late).to.deep.equal({});
    log.commit();
    await time.advance(0);
    expect(late).to.deep.equal({ value: 5 });
  });

  it("tells a decision the offset of its first record, behind records of the log's own too", async () => {
    const { time, log, runtime } = leading();
    watch(runtime.submit(deposit("a", 1, 2)));
    const seen = watch(runtime.submit({ type: "where" }));
    await time.advance(0);
    log.appendControl();
    const later = watch(runtime.submit({ type: "where" }));
    watch(runtime.submit(deposit("a", 1)));
    await time.advance(0);
    log.commit();
    await time.advance(0);
    expect(seen).to.deep.equal({ value: 3 });
    expect(later).to.deep.equal({ value: 4 });
    expect(log.batches.at(-1)?.baseOffset).to.equal(4);
  });

  it("answers in the order decided", async () => {
    const { time, log, runtime } = leading({ maxUncommittedRequests: 5000 });
    const order: number[] = [];
    for (let index = 0; index < 3000; index++) {
      void runtime.submit(deposit("a", 1)).then(() => order.push(index));
      if (index % 500 === 499) await time.advance(0);
    }
    log.commit(1500);
    log.commit();
    await time.advance(0);
    expect(order).to.deep.equal(Array.from({ length: 3000 }, (_, index) => index));
    expect(runtime.uncommittedRequests).to.equal(0);
  });

  it("passes on what decide throws, and changes nothing", async () => {
    const { time, runtime } = leading();
    const seen = watch(runtime.submit({ type: "broken", where: "decide" }));
    await time.advance(0);
    expect(seen.error).to.be.instanceOf(TypeError);
    expect(runtime.isActive).to.equal(true);
    expect(runtime.state.trace).to.deep.equal([]);
  });

  it("refuses more than may wait", async () => {
    const { time, log, runtime } = leading({
      maxUncommittedRequests: 2,
      busyErrorCode: Errors.THROTTLING_QUOTA_EXCEEDED,
    });
    const seen = [1, 2, 3].map(amount => watch(runtime.submit(deposit("a", amount))));
    await time.advance(0);
    expect(seen[2]?.error).to.include({ code: Errors.THROTTLING_QUOTA_EXCEEDED });
    log.commit();
    await time.advance(0);
    expect(seen[1]).to.deep.equal({ value: 3 });
    watch(runtime.submit(deposit("a", 1)));
    expect(runtime.uncommittedRequests).to.equal(1);
  });
});

describe("machine runtime: leadership", () => {
  it("refuses requests before it leads, and while it loads", async () => {
    const { time, log, runtime } = setUp({ loadingErrorCode: Errors.COORDINATOR_LOAD_IN_PROGRESS });
    const before = watch(runtime.submit(deposit("a", 1)));
    log.elect();
    const loading = watch(runtime.submit(deposit("a", 1)));
    await time.advance(0);
    expect(before.error).to.include({ code: Errors.NOT_CONTROLLER });
    expect(loading.error).to.include({ code: Errors.COORDINATOR_LOAD_IN_PROGRESS });
    log.commit();
    expect(runtime.isActive).to.equal(true);
  });

  it("applies as a follower what another leader committed, from the snapshot on", async () => {
    const { log, runtime } = setUp();
    const record = (offset: number) => ledgerCodec.encode({ account: "a", change: 2, offset });
    log.snapshot = { endOffset: 10, records: [record(9)] };
    log.batches = [
      {
        baseOffset: 10,
        lastOffset: 11,
        epoch: 1,
        appendTimeMs: 8,
        records: [record(10), record(11)],
        isControl: false,
      },
    ];
    log.commit(12);
    expect(runtime.state.trace).to.deep.equal(["9 e1 t7 a+2", "10 e1 t8 a+2", "11 e1 t8 a+2"]);
    expect(runtime.isActive).to.equal(false);
  });

  it("rejects all who wait when leadership ends, and forgets what was not committed", async () => {
    const { time, log, runtime } = leading();
    const kept = watch(runtime.submit(deposit("a", 1)));
    await time.advance(0);
    log.commit();
    const lost = watch(runtime.submit(deposit("a", 10)));
    await time.advance(0);
    const unsent = watch(runtime.submit(deposit("a", 100)));
    log.loseLeadership();
    log.truncate();
    await time.advance(0);
    expect(kept).to.deep.equal({ value: 1 });
    expect(lost.error).to.include({ code: Errors.NOT_CONTROLLER });
    expect(unsent.error).to.include({ code: Errors.NOT_CONTROLLER });
    log.elect();
    log.commit();
    expect(runtime.state.balances.get("a")).to.equal(1);
  });

  it("holds in the next epoch what had been appended and survived, though its sender was told otherwise", async () => {
    const { time, log, runtime } = leading();
    const seen = watch(runtime.submit(deposit("a", 10)));
    await time.advance(0);
    log.loseLeadership();
    log.elect();
    log.commit();
    await time.advance(0);
    expect(seen.error).to.include({ code: Errors.NOT_CONTROLLER });
    expect(runtime.state.balances.get("a")).to.equal(10);
    expect(runtime.epoch).to.equal(2);
  });

  it("gives leadership up when an append fails, and decides again only upon what the log holds", async () => {
    const { time, log, runtime } = leading();
    watch(runtime.submit(deposit("a", 1)));
    await time.advance(0);
    log.failNextAppend = true;
    const seen = watch(runtime.submit(deposit("a", 10)));
    await time.advance(0);
    expect(seen.error).to.include({ code: Errors.NOT_CONTROLLER });
    expect(log.resignations.length).to.equal(1);
    expect(runtime.isActive).to.equal(false);
    log.elect();
    log.commit();
    expect(runtime.state.balances.get("a")).to.equal(1);
    const again = watch(runtime.submit(deposit("a", 1)));
    await time.advance(0);
    log.commit();
    await time.advance(0);
    expect(again).to.deep.equal({ value: 2 });
  });

  it("rejects the request whose records made room fail to be appended", async () => {
    const { time, log, runtime } = leading({ maxBatchSizeBytes: 150 });
    const first = watch(runtime.submit(deposit("a", 1, 2)));
    log.failNextAppend = true;
    const second = watch(runtime.submit(deposit("a", 1, 2)));
    await time.advance(0);
    expect(first.error).to.include({ code: Errors.NOT_CONTROLLER });
    expect(second.error).to.include({ code: Errors.NOT_CONTROLLER });
    expect(log.logEndOffset).to.equal(1);
  });

  it("appends what it has decided before the log appends a record of its own, when told of that", async () => {
    const { time, log, runtime } = leading();
    const seen = watch(runtime.submit(deposit("a", 1)));
    log.announceControl();
    log.appendControl();
    await time.advance(0);
    log.commit();
    await time.advance(0);
    expect(seen).to.deep.equal({ value: 1 });
    expect(log.batches.map(({ isControl }) => isControl)).to.deep.equal([true, false, true]);
    expect(log.resignations).to.deep.equal([]);
  });

  it("starts over when its records would not get the offsets they were decided for", async () => {
    const { time, log, runtime } = leading();
    const seen = watch(runtime.submit(deposit("a", 1)));
    log.appendControl();
    await time.advance(0);
    expect(seen.error).to.include({ code: Errors.NOT_CONTROLLER });
    expect(log.resignations.length).to.equal(1);
    expect(log.logEndOffset).to.equal(2);
  });

  it("starts over when apply fails upon a decision of its own", async () => {
    const { time, log, runtime } = leading();
    watch(runtime.submit(deposit("a", 1)));
    const seen = watch(runtime.submit({ type: "broken", where: "apply" }));
    await time.advance(0);
    expect(seen.error?.message).to.equal("apply is broken");
    expect(log.resignations.length).to.equal(1);
    log.elect();
    log.commit();
    expect(runtime.state.trace).to.deep.equal([]);
    expect(runtime.isActive).to.equal(true);
  });

  it("throws, which is fatal, when a committed record cannot be applied", () => {
    const { log } = setUp();
    const records = [ledgerCodec.encode({ account: "a", change: 1, offset: 77 })];
    log.batches = [{ baseOffset: 0, lastOffset: 0, epoch: 1, appendTimeMs: 8, records, isControl: false }];
    expect(() => log.commit(1)).to.throw("decided for offset 77");
  });

  it("throws, which is fatal, when somebody else appends in its epoch", () => {
    const { log } = leading();
    const records = [ledgerCodec.encode({ account: "a", change: 1, offset: 1 })];
    log.batches.push({ baseOffset: 1, lastOffset: 1, epoch: 1, appendTimeMs: 8, records, isControl: false });
    expect(() => log.commit()).to.throw("somebody else");
  });

  it("rejects all who wait when stopped", async () => {
    const { time, runtime } = leading();
    const seen = watch(runtime.submit(deposit("a", 1)));
    runtime.stop();
    await time.advance(10);
    expect(seen.error).to.be.instanceOf(ApiError);
    expect(watch(runtime.submit(deposit("a", 1)))).to.deep.equal({});
    expect(runtime.isActive).to.equal(false);
  });
});

describe("machine runtime: timers", () => {
  const remind = (key: string, delayMs: number, request: LedgerRequest | null): LedgerRequest => ({
    type: "remind",
    key,
    delayMs,
    request,
  });

  it("have their request decided when due", async () => {
    const { time, log, runtime } = leading();
    watch(runtime.submit(remind("k", 1000, deposit("a", 1))));
    await time.advance(999);
    expect(log.logEndOffset).to.equal(1);
    await time.advance(1);
    expect(log.logEndOffset).to.equal(2);
  });

  it("move when set again, and go when cancelled", async () => {
    const { time, runtime } = leading();
    watch(runtime.submit(remind("k", 1000, deposit("a", 1))));
    watch(runtime.submit(remind("gone", 1000, deposit("b", 1))));
    watch(runtime.submit(remind("gone", 0, null)));
    await time.advance(500);
    watch(runtime.submit(remind("k", 1000, deposit("a", 10))));
    await time.advance(999);
    expect(runtime.state.balances.size).to.equal(0);
    await time.advance(1);
    expect(Object.fromEntries(runtime.state.balances)).to.deep.equal({ a: 10 });
  });

  it("go with leadership, and come back by loaded", async () => {
    const machine: Ledger = {
      ...ledger,
      loaded: () => ({
        requests: [deposit("first", 1)],
        timers: [{ key: "tick", delayMs: 100, request: deposit("tick", 1) }],
      }),
    };
    const { time, log, runtime } = leading({}, machine);
    watch(runtime.submit(remind("k", 100, deposit("a", 1))));
    log.loseLeadership();
    await time.advance(1000);
    expect(log.logEndOffset).to.equal(1);
    log.elect();
    log.commit();
    await time.advance(100);
    log.commit();
    expect(Object.fromEntries(runtime.state.balances)).to.deep.equal({ first: 1, tick: 1 });
  });

  it("are not subject to the bound on waiting requests", async () => {
    const { time, log, runtime } = leading({ maxUncommittedRequests: 1 });
    watch(runtime.submit(remind("k", 100, deposit("timer", 1))));
    watch(runtime.submit(deposit("a", 1)));
    await time.advance(100);
    log.commit();
    expect(Object.fromEntries(runtime.state.balances)).to.deep.equal({ a: 1, timer: 1 });
  });

  it("whose request is refused are told in the log", async () => {
    const { time, logger, runtime } = leading();
    watch(runtime.submit(remind("k", 100, { type: "transfer", from: "a", to: "b", amount: 1 })));
    await time.advance(100);
    expect(logger.of("machine.own-request-failed").length).to.equal(1);
  });
});
