import { expect } from "chai";
import type { CommittedBatch } from "../../src/raft/replicated-log.ts";
import { SnapshotGenerator, type SnapshotGeneratorOptions } from "../../src/raft/snapshot-generator.ts";
import { DIRECTORY, Recorder, VoterFixture, values } from "./support/voter.ts";

/** An image that is all records so far, in slices of two. */
class Image {
  records: Buffer[] = [];
  endOffset = 0;
  epoch = 0;
  timeMs = 0;

  readonly listener = {
    loadSnapshot: () => {},
    committed: (batch: CommittedBatch) => {
      this.records = [...this.records, ...batch.records];
      this.endOffset = batch.lastOffset + 1;
      this.epoch = batch.epoch;
      this.timeMs = batch.appendTimeMs;
    },
  };

  readonly source = () => {
    const { records, endOffset, epoch, timeMs } = this;
    return {
      id: { endOffset, epoch },
      lastContainedLogTimeMs: timeMs,
      *batches() {
        for (let index = 0; index < records.length; index += 2) yield records.slice(index, index + 2);
      },
    };
  };
}

async function setUp(options: Partial<SnapshotGeneratorOptions> = {}) {
  const fixture = new VoterFixture();
  const voter = await fixture.start();
  const fatal: Error[] = [];
  const image = new Image();
  const generator = new SnapshotGenerator(
    { maxBytesBetweenSnapshots: 10_000, maxIntervalMs: 0, ...options },
    {
      log: voter,
      source: image.source,
      timers: fixture.time,
      logger: fixture.logger,
      onFatal: error => fatal.push(error),
    },
  );
  // Told before the image, so a snapshot taken at once would lack what caused it.
  generator.start();
  voter.subscribe(image.listener);
  await fixture.settle();
  return { fixture, voter, generator, image, fatal };
}

describe("snapshot generator", () => {
  it("writes a snapshot when enough was appended, and holds all that was", async () => {
    const { fixture, voter } = await setUp({ maxBytesBetweenSnapshots: 1000 });
    for (let index = 0; voter.latestSnapshotId?.endOffset === 0; index++) {
      voter.append(1, values(`record-${index}`));
      await fixture.settle();
    }
    // 14 batches: 61 bytes of header, 7 of a record's fields, and the value
    expect(voter.latestSnapshotId).to.deep.equal({ endOffset: 17, epoch: 1 });
    fixture.crash();
    const again = await fixture.start();
    const recorder = new Recorder();
    again.subscribe(recorder);
    await fixture.settle();
    expect(recorder.calls[0]).to.equal("snapshot 17-1");
    expect(recorder.records).to.deep.equal(Array.from({ length: 14 }, (_, index) => `record-${index}`));
  });

  it("writes one after the interval, if anything was appended", async () => {
    const { fixture, voter } = await setUp({ maxIntervalMs: 60_000 });
    await fixture.time.advance(200_000);
    expect(voter.latestSnapshotId?.endOffset).to.equal(0);
    voter.append(1, values("a"));
    await fixture.time.advance(60_000);
    expect(voter.latestSnapshotId?.endOffset).to.equal(4);
  });

  it("writes one slice a tick", async () => {
    const { fixture, voter } = await setUp({ maxBytesBetweenSnapshots: 400 });
    voter.append(1, values(..."abcdefghijklmnopqrstuvwxyz".repeat(2)));
    await fixture.time.until(() => fixture.logger.of("snapshot.started").length > 0);
    let turns = 0;
    while (fixture.logger.of("snapshot.written").length === 0) {
      await fixture.time.step();
      turns += 1;
    }
    expect(turns).to.be.greaterThan(26);
  });

  it("goes on after a full disk, and tries again when as much was appended anew", async () => {
    const { fixture, voter, fatal } = await setUp({ maxBytesBetweenSnapshots: 100 });
    const heal = fixture.disk.addFault({ operation: "writev", path: ".part", code: "ENOSPC" });
    voter.append(1, values("a".repeat(100)));
    await fixture.settle();
    expect(fixture.logger.of("snapshot.failed").length).to.equal(1);
    expect(fatal).to.deep.equal([]);
    heal();
    voter.append(1, values("b".repeat(100)));
    await fixture.settle();
    expect(voter.latestSnapshotId?.endOffset).to.equal(5);
    expect(fixture.disk.list(DIRECTORY).filter(name => name.endsWith(".part"))).to.deep.equal([]);
  });

  it("stops the node when a snapshot cannot be made durable", async () => {
    const { fixture, voter, fatal } = await setUp({ maxBytesBetweenSnapshots: 100 });
    fixture.disk.addFault({ operation: "sync", path: ".part", code: "EIO" });
    voter.append(1, values("a".repeat(100)));
    await fixture.settle();
    expect(fatal.length).to.equal(1);
    expect(voter.latestSnapshotId?.endOffset).to.equal(0);
  });

  it("leaves nothing half written when stopped", async () => {
    const { fixture, voter, generator } = await setUp({ maxBytesBetweenSnapshots: 400 });
    voter.append(1, values(..."abcdefghijklmnopqrstuvwxyz".repeat(2)));
    await fixture.time.until(() => fixture.logger.of("snapshot.started").length > 0);
    await fixture.time.step();
    generator.stop();
    await fixture.settle();
    expect(fixture.disk.list(DIRECTORY).filter(name => name.includes("checkpoint"))).to.deep.equal([
      "00000000000000000000-0000000000.checkpoint",
    ]);
  });
});
