import { expect } from "chai";
import fc from "fast-check";
import { parseSize, settingsOf } from "../../src/cli/commands/start.ts";
import { parseAssignment } from "../../src/cli/commands/topics/create.ts";
import { linesOf } from "../../src/cli/lines.ts";
import { formatBytes, formatCount, plural } from "../../src/cli/output.ts";
import { parsePlace } from "../../src/cli/positions.ts";

async function collect(chunks: readonly (string | Uint8Array)[]): Promise<string[]> {
  async function* input(): AsyncGenerator<string | Uint8Array> {
    yield* chunks;
  }
  const lines: string[] = [];
  for await (const line of linesOf(input())) lines.push(line);
  return lines;
}

describe("linesOf", () => {
  it("takes LF and CRLF as ends, and text after the last end as a line", async () => {
    expect(await collect(["a\nb\r\n\nc"])).to.deep.equal(["a", "b", "", "c"]);
    expect(await collect(["a\n"])).to.deep.equal(["a"]);
    expect(await collect([])).to.deep.equal([]);
  });

  it("gives the same lines however the bytes are cut, also within a character", async () => {
    const line = fc.string({ unit: "grapheme" }).filter(text => !/[\r\n]/.test(text) && text !== "");
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 7 }), async (lines, sizeBytes) => {
        const bytes = Buffer.from(lines.map(text => `${text}\n`).join(""));
        const chunks = Array.from({ length: Math.ceil(bytes.length / sizeBytes) }, (_, index) =>
          bytes.subarray(index * sizeBytes, (index + 1) * sizeBytes),
        );
        expect(await collect(chunks)).to.deep.equal(lines);
      }),
    );
  });
});

describe("parsePlace", () => {
  it("reads ends, offsets, counts from the end, and times", () => {
    expect(parsePlace("from", "beginning")).to.deep.equal({ kind: "earliest" });
    expect(parsePlace("from", "end")).to.deep.equal({ kind: "latest" });
    expect(parsePlace("from", "17")).to.deep.equal({ kind: "offset", offset: 17 });
    expect(parsePlace("from", "-5")).to.deep.equal({ kind: "back", count: 5 });
    expect(parsePlace("from", "@1000")).to.deep.equal({ kind: "time", timestampMs: 1000 });
    expect(parsePlace("from", "1970-01-01T00:00:01Z")).to.deep.equal({ kind: "time", timestampMs: 1000 });
    expect(() => parsePlace("to", "yesterday")).to.throw(/--to yesterday: expected/);
  });
});

describe("settingsOf", () => {
  it("turns flags into settings, and lets them win over --override", () => {
    expect(
      settingsOf({
        override: ["node.id=1", "log.roll.ms=5"],
        id: 3,
        "data-dir": ["/a", "/b"],
        "segment-size": "64MiB",
        "log-level": "debug",
        "metrics-port": 9,
      }),
    ).to.deep.equal({
      "node.id": "3",
      "log.roll.ms": "5",
      "log.dirs": "/a,/b",
      "log.segment.bytes": "67108864",
      "samsa.log.level": "debug",
      "samsa.metrics.listener": "127.0.0.1:9",
    });
  });

  it("makes a listener of host and port; a wildcard becomes the empty host, which is advertised by name", () => {
    expect(settingsOf({ port: 1 }).listeners).to.equal("PLAINTEXT://127.0.0.1:1");
    expect(settingsOf({ host: "h" }).listeners).to.equal("PLAINTEXT://h:9092");
    expect(settingsOf({ host: "0.0.0.0" }).listeners).to.equal("PLAINTEXT://:9092");
    expect(settingsOf({ host: "::1", port: 5 }).listeners).to.equal("PLAINTEXT://[::1]:5");
    expect(() => settingsOf({ port: 70_000 })).to.throw(/--port/);
  });

  it("parseSize: units are powers of 1,024", () => {
    expect(["1048576", "64k", "64MB", "1.5MiB", "2g"].map(parseSize)).to.deep.equal([
      1_048_576, 65_536, 67_108_864, 1_572_864, 2_147_483_648,
    ]);
    for (const text of ["", "big", "1T", "-5", "0.3"]) expect(() => parseSize(text), text).to.throw(/--segment-size/);
  });
});

describe("parseAssignment", () => {
  it("reads partitions separated by commas, brokers by colons", () => {
    expect(parseAssignment("1:2,3")).to.deep.equal([
      { partitionIndex: 0, brokerIds: [1, 2] },
      { partitionIndex: 1, brokerIds: [3] },
    ]);
    expect(() => parseAssignment("1,,2")).to.throw(/--replica-assignment/);
    expect(() => parseAssignment("a")).to.throw(/--replica-assignment/);
  });
});

describe("numbers for people", () => {
  it("counts have separators, bytes a fitting unit, words a plural", () => {
    expect(formatCount(1_234_567)).to.equal("1,234,567");
    expect([0, 1023, 1536, 123_456_789].map(formatBytes)).to.deep.equal(["0 B", "1023 B", "1.5 KiB", "118 MiB"]);
    expect([plural(1, "record"), plural(0, "record")]).to.deep.equal(["1 record", "0 records"]);
  });
});
