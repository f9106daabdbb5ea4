import { expect } from "chai";
import fc from "fast-check";
import type { ConsumedRecord } from "../../src/cli/client/consumer.ts";
import {
  type FormatOptions,
  formatJsonLine,
  formatLine,
  parseFields,
  parseHeader,
  parseJsonLine,
  parseLine,
  unescapeOption,
} from "../../src/cli/record-text.ts";

const format: FormatOptions = {
  topic: "t",
  fields: ["value"],
  separator: "\t",
  keyEncoding: "utf8",
  valueEncoding: "utf8",
  nullMarker: "null",
};
const record: ConsumedRecord = {
  partition: 2,
  offset: 7,
  timestamp: 1000,
  key: Buffer.from("k"),
  value: null,
  headers: [
    { key: "h", value: Buffer.from("1") },
    { key: "n", value: null },
  ],
};

describe("parseLine", () => {
  it("takes the whole line as value, with the key given for all", () => {
    expect(parseLine("a:b", 1, {})).to.deep.equal({ key: null, value: Buffer.from("a:b") });
    expect(parseLine("a", 1, { key: "k", partition: 3 })).to.deep.equal({
      key: Buffer.from("k"),
      value: Buffer.from("a"),
      partition: 3,
    });
  });

  it("splits at the first separator", () => {
    expect(parseLine("k::v::w", 1, { keySeparator: "::" })).to.deep.equal({
      key: Buffer.from("k"),
      value: Buffer.from("v::w"),
    });
    expect(() => parseLine("kv", 4, { keySeparator: ":" })).to.throw(/Line 4 has no key/);
  });

  it("turns the null marker into null, and decodes base64 and hex", () => {
    expect(parseLine("k:NULL", 1, { keySeparator: ":", nullMarker: "NULL" }).value).to.equal(null);
    expect(parseLine("aGk=", 1, { valueEncoding: "base64" }).value).to.deep.equal(Buffer.from("hi"));
    expect(parseLine("6869", 1, { valueEncoding: "hex" }).value).to.deep.equal(Buffer.from("hi"));
    expect(() => parseLine("xyz", 2, { valueEncoding: "hex" })).to.throw(/Line 2: "xyz" is not hex/);
  });
});

describe("parseJsonLine", () => {
  it("reads all fields; values that are not strings become JSON", () => {
    const line = '{"key":"k","value":{"a":1},"headers":{"h":"1","n":null},"partition":1,"timestamp":5}';
    expect(parseJsonLine(line, 1, {})).to.deep.equal({
      key: Buffer.from("k"),
      value: Buffer.from('{"a":1}'),
      headers: [
        { key: "h", value: Buffer.from("1") },
        { key: "n", value: null },
      ],
      partition: 1,
      timestampMs: 5,
    });
    expect(parseJsonLine('{"value":null}', 1, {})).to.deep.equal({ key: null, value: null });
  });

  it("says what is wrong with a line, and with which", () => {
    const cases: [string, RegExp][] = [
      ["{", /Line 9: not JSON/],
      ["[]", /not a JSON object/],
      ['{"vaule":1}', /unknown field vaule/],
      ['{"value":"v","partition":-1}', /partition is not a whole number/],
      ['{"value":"v","headers":[["a"]]}', /a header is not/],
    ];
    for (const [line, expected] of cases) expect(() => parseJsonLine(line, 9, {}), line).to.throw(expected);
  });

  it("reads back any record that formatJsonLine prints", () => {
    const bytes = fc.option(fc.uint8Array().map(array => Buffer.from(array)));
    const header = fc.record({ key: fc.string(), value: fc.option(fc.string().map(text => Buffer.from(text))) });
    const options = { ...format, keyEncoding: "base64", valueEncoding: "hex" } as const;
    fc.assert(
      fc.property(bytes, bytes, fc.array(header), (key, value, headers) => {
        const parsed = parseJsonLine(formatJsonLine({ ...record, key, value, headers }, options), 1, options);
        expect(parsed).to.deep.equal({
          key,
          value,
          ...(headers.length > 0 ? { headers } : {}),
          partition: 2,
          timestampMs: 1000,
        });
      }),
    );
  });
});

describe("formatLine", () => {
  it("prints the fields asked for, in their order", () => {
    const fields = parseFields("topic,partition,offset,timestamp,key,value,headers");
    expect(formatLine(record, { ...format, fields, separator: "|" })).to.equal("t|2|7|1000|k|null|h=1,n");
    expect(() => parseFields("key,colour")).to.throw(/--print colour/);
  });
});

describe("options of records", () => {
  it("parseHeader: text without = is a header whose value is null", () => {
    expect(parseHeader("a=b=c")).to.deep.equal({ key: "a", value: Buffer.from("b=c") });
    expect(parseHeader("a")).to.deep.equal({ key: "a", value: null });
  });

  it("unescapeOption: \\t, \\n, \\\\ and \\0 are the characters they stand for", () => {
    expect(unescapeOption("a\\tb\\nc\\\\d\\0e\\x")).to.equal("a\tb\nc\\d\0e\\x");
  });
});
