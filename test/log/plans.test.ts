/** The pure decisions: what to do with the files found, and which segments may go. */
import { expect } from "chai";
import { deletedDirectoryName, parseDirectoryName } from "../../src/log/file-names.ts";
import { type FoundFile, planLoad } from "../../src/log/load-plan.ts";
import { planRetention, type RetentionOptions } from "../../src/log/retention.ts";

const name = (offset: number, suffix: string): string => offset.toString().padStart(20, "0") + suffix;
const file = (fileName: string, sizeBytes = 100): FoundFile => ({ name: fileName, sizeBytes, modifiedMs: 0 });
const segment = (offset: number): FoundFile[] =>
  [".log", ".index", ".timeindex"].map(suffix => file(name(offset, suffix)));

describe("planLoad", () => {
  const files = [
    ...segment(0),
    ...segment(100),
    ...segment(200),
    file("leader-epoch-checkpoint"),
    file("partition.metadata"),
  ];

  it("recovers nothing after a clean stop", () => {
    const plan = planLoad(files, { isClean: true, recoveryPoint: 0 });
    expect(plan.segments.map(({ baseOffset, recover }) => [baseOffset, recover])).to.deep.equal([
      [0, false],
      [100, false],
      [200, false],
    ]);
    expect([plan.remove, plan.rename, plan.snapshots]).to.deep.equal([[], [], []]);
  });

  for (const [recoveryPoint, first] of [
    [0, 0],
    [99, 0],
    [100, 0],
    [101, 100],
    [150, 100],
    [1000, 200],
  ] as const) {
    it(`recovers from the segment that holds what lies before the recovery point ${recoveryPoint}`, () => {
      const plan = planLoad(files, { isClean: false, recoveryPoint });
      expect(plan.segments.filter(({ recover }) => recover)[0]!.baseOffset).to.equal(first);
      expect(plan.segments.at(-1)!.recover).to.equal(true);
    });
  }

  it("recovers the first segment when the recovery point lies before it", () => {
    expect(planLoad(segment(500), { isClean: false, recoveryPoint: 3 }).segments[0]!.recover).to.equal(true);
  });

  it("removes deleted files, unfinished ones, and indexes without a log", () => {
    const litter = [name(0, ".log.deleted"), "leader-epoch-checkpoint.tmp", name(300, ".index")];
    const cleaned = name(0, ".index.cleaned");
    const found = [...files, ...[...litter, cleaned].map(each => file(each))];
    const plan = planLoad(found, { isClean: true, recoveryPoint: 0 });
    expect(plan.remove).to.deep.equal([...litter].sort());
    expect(plan.removeLast).to.deep.equal([cleaned]);
  });

  it("completes a swap, unless cleaning had not come so far", () => {
    const swap = [file(name(0, ".log.swap")), file(name(0, ".index.swap"))];
    expect(planLoad([...files, ...swap], { isClean: true, recoveryPoint: 0 }).rename.map(({ to }) => to)).to.deep.equal(
      [name(0, ".log"), name(0, ".index")],
    );
    const unfinished = planLoad([...files, ...swap, file(name(0, ".timeindex.cleaned"))], {
      isClean: true,
      recoveryPoint: 0,
    });
    expect(unfinished.rename).to.deep.equal([]);
    expect(unfinished.remove).to.include(name(0, ".log.swap"));
  });

  it("names missing indexes, transaction indexes and snapshots", () => {
    const plan = planLoad([file(name(0, ".log")), file(name(0, ".txnindex")), file(name(7, ".snapshot"))], {
      isClean: true,
      recoveryPoint: 0,
    });
    expect(plan.segments[0]).to.include({ rebuildIndexes: true, hasTransactionIndex: true });
    expect(plan.snapshots).to.deep.equal([7]);
  });
});

describe("planRetention", () => {
  const segments = [0, 100, 200, 300].map((baseOffset, index) => ({
    baseOffset,
    sizeBytes: baseOffset === 300 ? 0 : 1000,
    retentionTimestamp: index * 1000,
  }));
  const options: RetentionOptions = {
    retentionMs: -1,
    retentionSizeBytes: -1,
    logStartOffset: 0,
    logEndOffset: 300,
    highWatermark: 300,
    nowMs: 5000,
  };

  it("lets nothing go without limits", () => {
    expect(planRetention(segments, options)).to.equal(null);
  });

  it("lets go what is older than the limit, but never an empty active segment", () => {
    expect(planRetention(segments, { ...options, retentionMs: 3500 })).to.deep.equal({ count: 2, reason: "time" });
    expect(planRetention(segments, { ...options, retentionMs: 5000 })).to.equal(null);
    expect(planRetention(segments, { ...options, retentionMs: 0 })).to.deep.equal({ count: 3, reason: "time" });
  });

  it("lets go whole segments above the size limit", () => {
    expect(planRetention(segments, { ...options, retentionSizeBytes: 1500 })).to.deep.equal({
      count: 1,
      reason: "size",
    });
    expect(planRetention(segments, { ...options, retentionSizeBytes: 3000 })).to.equal(null);
  });

  it("lets go what lies below the log start", () => {
    expect(planRetention(segments, { ...options, logStartOffset: 250 })).to.deep.equal({
      count: 2,
      reason: "log-start-offset",
    });
  });

  it("keeps what is not committed, however old", () => {
    expect(planRetention(segments, { ...options, retentionMs: 0, highWatermark: 150 })).to.deep.equal({
      count: 1,
      reason: "time",
    });
  });
});

describe("directory names", () => {
  it("are read as what they stand for", () => {
    expect(parseDirectoryName("a-b.c-12")).to.deep.equal({ kind: "partition", topic: "a-b.c", partition: 12 });
    expect(parseDirectoryName("t-0.0123456789abcdef0123456789abcdef-delete").kind).to.equal("deleted");
    expect(parseDirectoryName("t-0.0123456789abcdef0123456789abcdef-future")).to.deep.equal({
      kind: "future",
      topic: "t",
      partition: 0,
    });
    expect(parseDirectoryName("t-0.0123456789abcdef0123456789abcdef-stray").kind).to.equal("stray");
    for (const other of ["lost+found", "t", "t-", "-1", "t-01", "t-99999999999", "meta.properties"]) {
      expect(parseDirectoryName(other).kind, other).to.equal("other");
    }
  });

  it("of deleted partitions fit into a file name", () => {
    const uuid = "0".repeat(32);
    expect(deletedDirectoryName("t", 3, uuid)).to.equal(`t-3.${uuid}-delete`);
    expect(deletedDirectoryName("x".repeat(249), 123, uuid).length).to.equal(255);
  });
});
