import { expect } from "chai";
import { createMemoryPlatform } from "../../src/platform/memory.ts";
import { namesReplica, ReplicationQuota } from "../../src/replication/replication-quota.ts";

describe("ReplicationQuota", () => {
  function setUp(limit: number) {
    const { time } = createMemoryPlatform();
    return {
      time,
      quota: new ReplicationQuota({ limit: () => limit, windowSizeMs: 1_000, windowCount: 3 }, { clock: time }),
    };
  }

  it("measures bytes a second over its windows, and forgets older ones", async () => {
    const { time, quota } = setUp(1_000);
    expect([quota.rate, quota.isExceeded]).to.deep.equal([0, false]);
    quota.record(600);
    quota.record(600);
    expect([quota.rate, quota.isExceeded]).to.deep.equal([1_200, true]);
    await time.advance(2_000);
    expect([quota.rate, quota.isExceeded]).to.deep.equal([600, false]);
    quota.record(1_800);
    expect(quota.rate).to.equal(1_500);
    await time.advance(1_000);
    expect(quota.rate, "the first window is gone").to.equal(1_800);
    await time.advance(2_000);
    expect(quota.rate).to.equal(0);
  });

  it("is for replicas that a list names by partition and broker, or all", () => {
    expect(namesReplica(["0:1", "1:2"], 1, 2)).to.equal(true);
    expect(namesReplica(["0:1", "1:2"], 1, 1)).to.equal(false);
    expect(namesReplica(["*"], 7, 7)).to.equal(true);
    expect(namesReplica([], 0, 1)).to.equal(false);
  });
});
