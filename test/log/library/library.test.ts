import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Log } from "../../../src/log/library.ts";

describe("Log, the library", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "samsa-log-"));
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  const valuesOf = async (log: Log): Promise<string[]> => {
    const values: string[] = [];
    for await (const record of log.records()) values.push(record.value?.toString() ?? "");
    return values;
  };

  it("appends, reads, iterates and comes back after a close", async () => {
    const log = await Log.open(join(root, "log"));
    expect(await log.append([{ key: "a", value: "one" }, { value: "two" }])).to.equal(0);
    expect(await log.append([{ value: "three" }])).to.equal(2);
    expect((await log.read(1))?.value?.toString()).to.equal("two");
    expect(await log.read(3)).to.equal(null);
    await log.close();
    const again = await Log.open(join(root, "log"));
    expect(again.endOffset).to.equal(3);
    expect(await valuesOf(again)).to.deep.equal(["one", "two", "three"]);
    await again.close();
  });

  it("forgets what lies below the offset given to truncate", async () => {
    const log = await Log.open(join(root, "log"), { segmentSizeBytes: 200 });
    for (let count = 0; count < 10; count += 1) await log.append([{ value: `${count}`.repeat(60) }]);
    await log.truncate(7);
    expect(log.lowestOffset).to.equal(7);
    expect(await valuesOf(log)).to.have.length(3);
    await log.close();
    const again = await Log.open(join(root, "log"));
    expect(again.lowestOffset).to.equal(7);
    await again.close();
  });

  it("makes snapshots that later appends, here or in a restored log, leave alone", async () => {
    const log = await Log.open(join(root, "log"), { segmentSizeBytes: 300 });
    for (let count = 0; count < 8; count += 1) await log.append([{ value: `${count}` }]);
    await log.snapshot(join(root, "snapshot"));
    await log.append([{ value: "after" }]);
    await Log.restore(join(root, "snapshot"), join(root, "copy"));
    const copy = await Log.open(join(root, "copy"), { segmentSizeBytes: 300 });
    expect(await copy.append([{ value: "in the copy" }])).to.equal(8);
    await copy.close();
    await Log.restore(join(root, "snapshot"), join(root, "second"));
    const second = await Log.open(join(root, "second"));
    expect(await valuesOf(second)).to.deep.equal(["0", "1", "2", "3", "4", "5", "6", "7"]);
    await second.close();
    expect((await valuesOf(log)).at(-1)).to.equal("after");
    await log.close();
  });

  it("is one process's at a time, and free again after a close", async () => {
    const log = await Log.open(join(root, "log"));
    await log.append([{ value: "x" }]);
    const second = await failureOf(Log.open(join(root, "log")));
    expect(second).to.contain("in use");
    expect(await valuesOf(log)).to.deep.equal(["x"]);
    await log.close();
    await (await Log.open(join(root, "log"))).close();
  });

  it("reads by offset within its range only", async () => {
    const log = await Log.open(join(root, "log"));
    await log.append([{ value: "0" }, { value: "1" }, { value: "2" }]);
    await log.truncate(1);
    expect((await log.read(1))?.value?.toString()).to.equal("1");
    expect(await log.read(3)).to.equal(null);
    expect(await failureOf(log.read(0))).to.match(/RangeError.*offset 0/);
    expect(await failureOf(log.read(4))).to.match(/RangeError.*offset 4/);
    expect(await failureOf(log.records(0).next())).to.match(/RangeError.*offset 0/);
    expect(await failureOf(log.truncate(4))).to.match(/RangeError/);
    await log.close();
  });

  it("refuses what is too large and appends nothing of it, and nothing at all for no records", async () => {
    const log = await Log.open(join(root, "log"), { maxMessageBytes: 1_000 });
    expect(await failureOf(log.append([{ value: "x" }, { value: "x".repeat(2_000) }]))).to.contain("takes no records");
    expect(await log.append([])).to.equal(0);
    expect(log.endOffset).to.equal(0);
    expect(await log.append([{ value: "y" }])).to.equal(0);
    await log.close();
  });

  it("wants keys in a log that compacts", async () => {
    const log = await Log.open(join(root, "log"), { compacts: true });
    expect(await failureOf(log.append([{ value: "no key" }]))).to.contain("takes no records");
    await log.close();
  });

  it("says no after a close", async () => {
    const log = await Log.open(join(root, "log"));
    await log.close();
    expect(await failureOf(log.append([{ value: "x" }]))).to.contain("closed");
    expect(await failureOf(log.read(0))).to.contain("closed");
    expect(await failureOf(log.truncate(0))).to.contain("closed");
    expect(await failureOf(log.snapshot(join(root, "snapshot")))).to.contain("closed");
  });
});

/** What a call that must fail fails with. */
function failureOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "nothing",
    (error: unknown) => String(error),
  );
}
