/**
 * The runtime over the metadata log over a disk that forgets: whatever happens, the state is the replay of the log (I8), and every answer was
 * durable when it was given (I4 for metadata).
 */
import { expect } from "chai";
import fc from "fast-check";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { MachineLog } from "../../src/machine/machine-log.ts";
import { MachineRuntime } from "../../src/machine/runtime.ts";
import { KEEP_ALL, LOSE_ALL, randomSurvival } from "../../src/platform/memory-disk-crash.ts";
import { SeededRandom } from "../../src/platform/memory-random.ts";
import { MAX_BATCH_SIZE_BYTES, type ReplicatedLog } from "../../src/raft/replicated-log.ts";
import { VoterFixture } from "../raft/support/voter.ts";
import { type LedgerRecord, type LedgerRequest, type LedgerState, ledger, ledgerCodec } from "./support/ledger.ts";

type Runtime = MachineRuntime<LedgerState, LedgerRequest, number, LedgerRecord, Buffer>;

type Step =
  | { readonly type: "request"; readonly request: LedgerRequest }
  | { readonly type: "turn" }
  | { readonly type: "settle" }
  | { readonly type: "resign" }
  | { readonly type: "failAppend" }
  | { readonly type: "takeBack" }
  | { readonly type: "crash"; readonly survival: "nothing" | "some" | "all"; readonly seed: number };

const account = fc.constantFrom("a", "b", "c");
const request: fc.Arbitrary<LedgerRequest> = fc.oneof(
  fc.record({
    type: fc.constant("deposit" as const),
    account,
    amount: fc.integer({ min: 1, max: 9 }),
    times: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({
    type: fc.constant("transfer" as const),
    from: account,
    to: account,
    amount: fc.integer({ min: 1, max: 20 }),
  }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: request.map(value => ({ type: "request" as const, request: value })) },
  { weight: 8, arbitrary: fc.constant({ type: "turn" as const }) },
  { weight: 2, arbitrary: fc.constant({ type: "settle" as const }) },
  { weight: 1, arbitrary: fc.constant({ type: "resign" as const }) },
  { weight: 1, arbitrary: fc.constant({ type: "failAppend" as const }) },
  { weight: 1, arbitrary: fc.constant({ type: "takeBack" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("crash" as const),
      survival: fc.constantFrom("nothing" as const, "some" as const, "all" as const),
      seed: fc.nat(),
    }),
  },
);

class World {
  readonly fixture = new VoterFixture();
  /** Lines of the trace that an answer vouched for, in the order of the answers. */
  readonly vouched: string[] = [];
  runtime!: Runtime;

  async start(): Promise<void> {
    await this.fixture.start();
    const { time, logger, voter } = this.fixture;
    const log: ReplicatedLog & MachineLog<Buffer> = voter;
    this.runtime = new MachineRuntime(
      {
        name: "ledger",
        notLeaderErrorCode: Errors.NOT_CONTROLLER,
        maxUncommittedRequests: 100,
        maxBatchSizeBytes: Math.min(300, MAX_BATCH_SIZE_BYTES),
      },
      { machine: ledger, codec: ledgerCodec, log, clock: time, timers: time, logger },
    );
    this.runtime.start();
    await time.advance(1);
  }

  submit(value: LedgerRequest): void {
    const { runtime, fixture } = this;
    const before = runtime.state.trace.length;
    const answer = runtime.submit(value);
    const lines = runtime.isActive ? runtime.state.trace.slice(before) : [];
    answer.then(
      () => {
        if (runtime !== this.runtime) throw new Error("answered by a machine that went down");
        const survivor = fixture.disk.survivor().readFile("/data/__cluster_metadata-0/00000000000000000000.log");
        expect(survivor.length).to.be.greaterThan(0);
        this.vouched.push(...lines);
      },
      error => expect(error).to.be.instanceOf(ApiError),
    );
  }

  async perform(next: Step): Promise<void> {
    const { fixture } = this;
    switch (next.type) {
      case "request":
        return this.submit(next.request);
      case "turn":
        await fixture.time.step();
        return;
      case "settle":
        return fixture.time.advance(5);
      case "resign":
        return fixture.voter.resign(fixture.voter.leaderAndEpoch.epoch, "test");
      case "failAppend":
        fixture.log.nextOutcome = { ok: false, errorCode: Errors.KAFKA_STORAGE_ERROR, message: "no space" };
        return;
      case "takeBack":
        return fixture.log.takeBack();
      case "crash":
        return this.crash(next);
    }
  }

  async crash({ survival, seed }: Step & { type: "crash" }): Promise<void> {
    const random = new SeededRandom(seed);
    const survivals = { nothing: LOSE_ALL, some: randomSurvival(random, { blockSizeBytes: 512 }), all: KEEP_ALL };
    this.fixture.crash(survivals[survival]);
    await this.start();
    this.check();
  }

  /** Call when nothing is under way. */
  check(): void {
    const replayed = this.replay();
    expect(this.runtime.state.trace).to.deep.equal(replayed.trace);
    expect(this.runtime.state.balances).to.deep.equal(replayed.balances);
    const order = this.vouched.map(line => replayed.trace.indexOf(line));
    expect(order, "every answer is in the log, in order").to.deep.equal([...order].sort((x, y) => x - y));
    expect(order).not.to.include(-1);
    for (const [name, balance] of replayed.balances) expect(balance, name).to.be.at.least(0);
    expect(this.fixture.fatal).to.deep.equal([]);
  }

  /** The log, applied by hand. */
  replay(): LedgerState {
    const state = ledger.initialState();
    for (const batch of this.fixture.log.batches) {
      for (const [index, record] of batch.records.entries()) {
        const context = { offset: batch.baseOffset + index, epoch: batch.epoch, appendTimeMs: batch.appendTimeMs };
        ledger.apply(state, ledgerCodec.decode(record), context);
      }
    }
    return state;
  }
}

describe("machine runtime over the metadata log", () => {
  it("has as its state the replay of the log, and answers only what is durable, through crashes, resignations and failed appends", async () => {
    let answers = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: "max" }), async steps => {
        const world = new World();
        await world.start();
        for (const next of steps) await world.perform(next);
        world.fixture.log.nextOutcome = null;
        await world.fixture.time.advance(5000);
        world.check();
        answers += world.vouched.length;
        await world.crash({ type: "crash", survival: "nothing", seed: 1 });
      }),
      { numRuns: 150 },
    );
    expect(answers).to.be.greaterThan(1000);
  }).timeout(60_000);
});
