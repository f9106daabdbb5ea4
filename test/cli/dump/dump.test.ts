import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { BatchBuilder } from "../../../protocol/records/index.ts";
import { dumpFile, type FileDumpOptions, fileKind } from "../../../src/cli/dump/dump-file.ts";
import { verifyIndexes } from "../../../src/cli/dump/dump-index.ts";

interface KafkaDump {
  path: string;
  contents: string;
  dump: string;
}

/** Files of a Kafka 4.3.1 data directory, and what its kafka-dump-log printed for each. */
const kafkaDumps = gunzipSync(readFileSync(new URL("../../fixtures/kafka/log-dump.jsonl.gz", import.meta.url)))
  .toString()
  .trim()
  .split("\n")
  .map(line => JSON.parse(line) as KafkaDump);

const everything: FileDumpOptions = {
  deep: true,
  printData: true,
  skipRecordMetadata: false,
  maxBytes: Number.MAX_SAFE_INTEGER,
};

function dump(path: string, contents: Buffer, options = everything): string[] {
  return [...dumpFile(path, fileKind(path)!, contents, options)];
}

function fixture(path: string): Buffer {
  return Buffer.from(kafkaDumps.find(entry => entry.path === `datadir/${path}`)!.contents, "base64");
}

const SEGMENT = "orders-0/00000000000000000000.log";

describe("dumpFile", () => {
  for (const { path, contents, dump: expected } of kafkaDumps) {
    it(`${path}: as kafka-dump-log prints it`, () => {
      expect(`${dump(path, Buffer.from(contents, "base64")).join("\n")}\n`).to.equal(expected);
    });
  }

  it("without deep iteration: batches only", () => {
    const path = "headers-0/00000000000000000000.log";
    const lines = dump(path, fixture(path), { ...everything, deep: false });
    expect(lines.filter(line => line.startsWith("| "))).to.deep.equal([]);
    expect(lines.length).to.be.greaterThan(2);
  });

  it("a damaged batch: says so and goes on", () => {
    const batch = new BatchBuilder().append({ value: Buffer.from("v") }).build();
    const damaged = Buffer.from(batch);
    damaged[damaged.length - 2]! ^= 1;
    const lines = dump(SEGMENT, Buffer.concat([damaged, batch]), { ...everything, deep: false });
    expect(lines.slice(2).map(line => /isvalid: (\w+)/.exec(line)?.[1])).to.deep.equal(["false", "true"]);
  });

  it("a torn tail: says where it begins and how long it is", () => {
    const batch = new BatchBuilder().append({ value: Buffer.from("v") }).build();
    const lines = dump(SEGMENT, Buffer.concat([batch, batch.subarray(0, 30)]));
    expect(lines.at(-1)).to.match(new RegExp(`^Found 30 bytes at position ${batch.length} `));
  });

  it("a record that its decoder cannot read: plain, with the reason", () => {
    const batch = new BatchBuilder().append({ value: Buffer.from("v") }).build();
    const lines = dump("__cluster_metadata-0/00000000000000000000.log", batch);
    expect(lines.at(-1)).to.contain("payload: v (not decoded: ");
  });
});

describe("fileKind", () => {
  it("goes by the name, also of files being deleted", () => {
    expect(fileKind("t-0/00000000000000000000.log.deleted")).to.equal("log");
    expect(fileKind("t-0/00000000000000000007.snapshot")).to.equal("producer-snapshot");
    expect(fileKind("__cluster_metadata-0/00000000000000000007-0000000001.checkpoint")).to.equal("metadata-snapshot");
    expect(fileKind("meta.properties")).to.equal("text");
    expect([fileKind("notes.txt"), fileKind("7.log")]).to.deep.equal([null, null]);
  });
});

describe("verifyIndexes", () => {
  const [log, index, timeIndex] = ["log", "index", "timeindex"].map(suffix =>
    fixture(`__cluster_metadata-0/00000000000000000000.${suffix}`),
  ) as [Buffer, Buffer, Buffer];

  it("Kafka's own indexes: nothing is wrong", () => {
    expect([...verifyIndexes(log, index, timeIndex, 0)]).to.deep.equal([]);
  });

  it("a wrong position, offset or timestamp: named", () => {
    const wrongPosition = Buffer.from(index);
    wrongPosition.writeInt32BE(wrongPosition.readInt32BE(4) + 1, 4);
    expect([...verifyIndexes(log, wrongPosition, null, 0)]).to.deep.equal([
      "index: offset 106 is said to be at position 6123, where no batch begins",
    ]);
    const wrongTime = Buffer.from(timeIndex);
    wrongTime.writeBigInt64BE(5n, 0);
    expect([...verifyIndexes(log, null, wrongTime, 0)].join()).to.match(/timestamp 5 for offset 106, but the log has/);
  });
});
