import { expect } from "chai";
import { MemoryDisk } from "../../src/platform/memory-disk.ts";
import { DiskError } from "../../src/platform/platform.ts";
import { decodeBatches } from "../../src/raft/batches.ts";
import {
  CorruptSnapshotError,
  parseSnapshot,
  readSnapshotFile,
  readSnapshotTimeMs,
  SnapshotFileWriter,
} from "../../src/raft/snapshot-file.ts";
import { snapshotFileName } from "../../src/raft/snapshot-id.ts";
import { kafkaFile } from "./support/kafka-files.ts";

const DIRECTORY = "/log";
const KAFKA_SNAPSHOTS = [
  { endOffset: 0, epoch: 0 },
  { endOffset: 113, epoch: 1 },
  { endOffset: 196, epoch: 1 },
  { endOffset: 308, epoch: 1 },
];
const FACTS = { kraftVersion: 1, voters: [] };

function kafkaSnapshot(id: { endOffset: number; epoch: number }): Buffer {
  return kafkaFile(`__cluster_metadata-0/${snapshotFileName(id)}`);
}

function newDisk(): MemoryDisk {
  const disk = new MemoryDisk();
  disk.makeDirectory(DIRECTORY);
  disk.syncDirectory("/");
  return disk;
}

/** Gives the times of the batches of a file, one after the other. */
function clockOf(times: number[]) {
  return { now: () => times.shift() as number };
}

const random = { integer: () => 7 };

describe("snapshot file", () => {
  for (const id of KAFKA_SNAPSHOTS) {
    it(`of Kafka at ${id.endOffset} is read, and written again byte for byte`, () => {
      const bytes = kafkaSnapshot(id);
      const snapshot = parseSnapshot(bytes, id, "kafka");
      const disk = newDisk();
      const clock = clockOf([...decodeBatches(bytes)].map(batch => batch.appendTimeMs));
      const { lastContainedLogTimeMs, facts } = snapshot;
      const options = { directory: DIRECTORY, id, lastContainedLogTimeMs, facts };
      const writer = new SnapshotFileWriter(options, { disk, clock, random });
      for (const records of snapshot.batches()) writer.append(records);
      writer.freezeNow();
      expect(disk.readFile(`${DIRECTORY}/${snapshotFileName(id)}`).equals(bytes)).to.equal(true);
    });
  }

  it("carries version and voters", () => {
    const { facts } = parseSnapshot(kafkaSnapshot({ endOffset: 308, epoch: 1 }), { endOffset: 308, epoch: 1 }, "kafka");
    expect(facts.kraftVersion).to.equal(1);
    expect(facts.voters?.map(voter => voter.voterDirectoryId)).to.deep.equal(["2aHNE4QsTH6H_zIW2AfPkQ"]);
  });

  it("is split into batches of at most 1024 records", () => {
    const disk = newDisk();
    const id = { endOffset: 5000, epoch: 2 };
    const options = { directory: DIRECTORY, id, lastContainedLogTimeMs: 1, facts: FACTS };
    const writer = new SnapshotFileWriter(options, { disk, clock: { now: () => 9 }, random });
    writer.append(Array.from({ length: 3000 }, (_, index) => Buffer.from(`${index}`)));
    writer.freezeNow();
    const batches = [...readSnapshotFile(disk, DIRECTORY, id).batches()];
    expect(batches.map(batch => batch.length)).to.deep.equal([1024, 1024, 952]);
    expect(batches.flat().map(String)[2999]).to.equal("2999");
  });

  it("is split where a batch would pass 8 MiB", () => {
    const disk = newDisk();
    const id = { endOffset: 3, epoch: 2 };
    const options = { directory: DIRECTORY, id, lastContainedLogTimeMs: 1, facts: FACTS };
    const writer = new SnapshotFileWriter(options, { disk, clock: { now: () => 9 }, random });
    writer.append([Buffer.alloc(5_000_000, 1), Buffer.alloc(5_000_000, 2), Buffer.alloc(10, 3)]);
    writer.freezeNow();
    const batches = [...readSnapshotFile(disk, DIRECTORY, id).batches()];
    expect(batches.map(batch => batch.length)).to.deep.equal([1, 2]);
  });

  it("tells the time of the last record it covers", () => {
    const disk = newDisk();
    const id = { endOffset: 308, epoch: 1 };
    disk.writeFile(`${DIRECTORY}/${snapshotFileName(id)}`, kafkaSnapshot(id));
    expect(readSnapshotTimeMs(disk, DIRECTORY, id)).to.equal(0x1a1fc1f7636);
  });

  it("is refused when a bit is flipped, wherever the checksum reaches", () => {
    const id = { endOffset: 0, epoch: 0 };
    const bytes = kafkaSnapshot(id);
    for (let position = 0; position < bytes.length; position++) {
      const flipped = Buffer.from(bytes);
      flipped[position] = (flipped[position] as number) ^ 0x01;
      const isOutsideChecksum = position % 166 < 8 || (position % 166 >= 12 && position % 166 < 16);
      if (isOutsideChecksum) continue; // base offset and leader epoch, which mean nothing here
      expect(() => parseSnapshot(flipped, id, "flipped"), `byte ${position}`).to.throw(CorruptSnapshotError);
    }
  });

  it("is refused when cut short, at every length", () => {
    const id = { endOffset: 0, epoch: 0 };
    const bytes = kafkaSnapshot(id);
    for (let size = 0; size < bytes.length; size++) {
      expect(() => parseSnapshot(bytes.subarray(0, size), id, "cut"), `${size} bytes`).to.throw(CorruptSnapshotError);
    }
  });

  it("exists under its name only once it is whole, whenever the machine goes down", async () => {
    const disk = newDisk();
    const id = { endOffset: 4, epoch: 1 };
    let seen = 0;
    const look = () => {
      for (const survivor of [disk.survivor()]) {
        if (survivor.exists(`${DIRECTORY}/${snapshotFileName(id)}`)) {
          expect([...readSnapshotFile(survivor, DIRECTORY, id).batches()].flat().map(String)).to.deep.equal(["a", "b"]);
        }
      }
      seen += 1;
    };
    disk.onOperation = look;
    const options = { directory: DIRECTORY, id, lastContainedLogTimeMs: 1, facts: FACTS };
    const writer = new SnapshotFileWriter(options, { disk, clock: { now: () => 9 }, random });
    writer.append([Buffer.from("a"), Buffer.from("b")]);
    await writer.freeze();
    disk.onOperation = null;
    expect(seen).to.be.greaterThan(4);
    expect(disk.survivor().exists(`${DIRECTORY}/${snapshotFileName(id)}`)).to.equal(true);
  });

  it("whose sync fails does not come to exist", async () => {
    const disk = newDisk();
    const id = { endOffset: 4, epoch: 1 };
    const options = { directory: DIRECTORY, id, lastContainedLogTimeMs: 1, facts: FACTS };
    const writer = new SnapshotFileWriter(options, { disk, clock: { now: () => 9 }, random });
    disk.addFault({ operation: "sync", code: "EIO" });
    const error = await writer.freeze().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(DiskError);
    expect(disk.list(DIRECTORY)).to.deep.equal([]);
  });

  it("leaves nothing when given up", () => {
    const disk = newDisk();
    const options = { directory: DIRECTORY, id: { endOffset: 4, epoch: 1 }, lastContainedLogTimeMs: 1, facts: FACTS };
    const writer = new SnapshotFileWriter(options, { disk, clock: { now: () => 9 }, random });
    writer.append([Buffer.from("a")]);
    writer.abort();
    writer.abort();
    expect(disk.list(DIRECTORY)).to.deep.equal([]);
  });
});
