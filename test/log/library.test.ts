import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Log } from "../../src/log/library.ts";

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

  it("says no after a close", async () => {
    const log = await Log.open(join(root, "log"));
    await log.close();
    let failure: unknown = null;
    await log.append([{ value: "x" }]).catch(error => {
      failure = error;
    });
    expect(String(failure)).to.contain("closed");
  });
});
