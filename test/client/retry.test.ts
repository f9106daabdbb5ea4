import { expect } from "chai";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { isRetriable, retry } from "../../src/client/retry.ts";
import type { Clock, Timers } from "../../src/platform/platform.ts";
import { RpcError } from "../../src/rpc/index.ts";

/** A clock that jumps to the end of each wait, and the waits there were. */
function jumpingTime(): { clock: Clock; timers: Timers; waitsMs: number[] } {
  let nowMs = 0;
  const waitsMs: number[] = [];
  const timers: Timers = {
    after: (delayMs, callback) => {
      waitsMs.push(delayMs);
      nowMs += delayMs;
      queueMicrotask(callback);
      return { clear() {} };
    },
    every: () => ({ clear() {} }),
    endOfTick: queueMicrotask,
  };
  return { clock: { now: () => nowMs, monotonic: () => nowMs }, timers, waitsMs };
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail("did not throw"),
    (error: unknown) => error,
  );
}

describe("retry", () => {
  it("tries again after retriable errors, with doubling pauses up to a second", async () => {
    const time = jumpingTime();
    let attempts = 0;
    const result = await retry(60_000, time, async () => {
      if (++attempts < 8) throw new ApiError(Errors.NOT_LEADER_OR_FOLLOWER);
      return "done";
    });
    expect(result).to.equal("done");
    expect(time.waitsMs).to.deep.equal([50, 100, 200, 400, 800, 1000, 1000]);
  });

  it("throws the last error once the deadline would pass", async () => {
    const time = jumpingTime();
    const seen: number[] = [];
    const error = await failure(
      retry(400, time, async remainingMs => {
        seen.push(remainingMs);
        throw new ApiError(Errors.REQUEST_TIMED_OUT, `attempt ${seen.length}`);
      }),
    );
    expect(error).to.be.instanceOf(ApiError).with.property("message", "attempt 4");
    expect(seen).to.deep.equal([400, 350, 250, 50]);
  });

  it("throws at once what trying again cannot mend", async () => {
    const time = jumpingTime();
    const error = await failure(retry(400, time, async () => Promise.reject(new ApiError(Errors.INVALID_CONFIG))));
    expect(error).to.have.property("code", Errors.INVALID_CONFIG);
    expect(time.waitsMs).to.deep.equal([]);
  });

  it("isRetriable: connection trouble is, a version nobody speaks and a defect are not", () => {
    expect(isRetriable(new RpcError("connect", ""))).to.equal(true);
    expect(isRetriable(new RpcError("timeout", ""))).to.equal(true);
    expect(isRetriable(new RpcError("unsupported", ""))).to.equal(false);
    expect(isRetriable(new TypeError())).to.equal(false);
  });
});
