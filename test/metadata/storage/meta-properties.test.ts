import { expect } from "chai";
import {
  formatMetaProperties,
  parseJavaProperties,
  parseMetaProperties,
} from "../../../src/metadata/storage/meta-properties.ts";
import { kafkaFile } from "../../raft/support/kafka-files.ts";

const KAFKA = { clusterId: "MkU3OEVBNTcwNTJENDM2Qg", nodeId: 1, directoryId: "2aHNE4QsTH6H_zIW2AfPkQ" };

function withLine(line: string): string {
  return formatMetaProperties(KAFKA, 0).replace(new RegExp(`^${line.split("=")[0]}=.*$`, "m"), line);
}

describe("meta.properties", () => {
  it("is byte for byte the file that Kafka writes", () => {
    const text = kafkaFile("meta.properties").toString("latin1");
    expect(parseMetaProperties(text)).to.deep.equal(KAFKA);
    expect(formatMetaProperties(KAFKA, Date.UTC(2026, 10, 21, 3, 20, 14, 999))).to.equal(text);
  });

  it("carries the date as Java prints it, in any year", () => {
    for (let day = -1000; day < 60_000; day += 17) {
      const timeMs = day * 86_400_000 + ((((day * 7_919_333) % 86_400_000) + 86_400_000) % 86_400_000);
      const date = new Date(timeMs);
      const [weekday, , ,] = date.toUTCString().split(",");
      const [, , month, year, time] = date.toUTCString().split(" ");
      const expected = `${weekday} ${month} ${String(date.getUTCDate()).padStart(2, "0")} ${time} UTC ${year}`;
      expect(formatMetaProperties(KAFKA, timeMs).split("\n")[1]).to.equal(`#${expected}`);
    }
  });

  it("may be without a directory id, as Kafka wrote it before 3.7", () => {
    const text = formatMetaProperties({ ...KAFKA, directoryId: null }, 0);
    expect(text).not.to.contain("directory.id");
    expect(parseMetaProperties(text).directoryId).to.equal(null);
  });

  it("is read in every way that Java's format allows", () => {
    const text = "! comment\r\n  a = 1\nb:2\nc 3\nd\\ e=\\u0041\\t\nf=one\\\n   two\n\ng=\nh\n";
    expect(Object.fromEntries(parseJavaProperties(text))).to.deep.equal({
      a: "1",
      b: "2",
      c: "3",
      "d e": "A\t",
      f: "onetwo",
      g: "",
      h: "",
    });
  });

  const wrong: Record<string, [string, RegExp]> = {
    "no cluster id": ["cluster.id=", /cluster.id is missing/],
    "a node id that is no number": ["node.id=one", /node.id "one"/],
    "a node id beyond int32": ["node.id=2147483648", /node.id/],
    "the version of ZooKeeper": ["version=0", /ZooKeeper/],
    "an unknown version": ["version=2", /unknown version "2"/],
    "a directory id that is no id": ["directory.id=here", /directory.id "here"/],
    "a reserved directory id": ["directory.id=AAAAAAAAAAAAAAAAAAAAAg", /directory.id/],
  };
  for (const [what, [line, message]] of Object.entries(wrong)) {
    it(`with ${what} is refused`, () => {
      expect(() => parseMetaProperties(withLine(line))).to.throw(message);
    });
  }
});
