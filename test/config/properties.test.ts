import { expect } from "chai";
import fc from "fast-check";
import { formatProperty, parseProperties } from "../../src/config/properties.ts";

function parse(text: string): Record<string, string> {
  return Object.fromEntries(parseProperties(text).map(({ key, value }) => [key, value]));
}

describe("parseProperties", () => {
  it("takes =, :, or blank as separator, and blanks around it", () => {
    expect(parse("a=1\nb:2\nc 3\nd = 4\n\te\t:\t5\nf\t6")).to.deep.equal({
      a: "1",
      b: "2",
      c: "3",
      d: "4",
      e: "5",
      f: "6",
    });
  });

  it("takes only one separator: a second belongs to the value", () => {
    expect(parse("a==1\nb:=2\nc = = 3")).to.deep.equal({ a: "=1", b: "=2", c: "= 3" });
  });

  it("passes over blank lines and comments", () => {
    expect(parse("# x=1\n  ! y=2\n\n   \nz=3#not a comment")).to.deep.equal({ z: "3#not a comment" });
  });

  it("joins continued lines without the next line's indent, comment signs included", () => {
    expect(parse("a = 1,\\\n     2,\\\n     3\nb=\\\n#4\nc=5\\\\\nd=6")).to.deep.equal({
      a: "1,2,3",
      b: "#4",
      c: "5\\",
      d: "6",
    });
  });

  it("reads escapes in keys and values", () => {
    expect(parse("a\\ b\\:c\\=d=\\t\\n\\r\\f\\u00e9\\\\\\q")).to.deep.equal({ "a b:c=d": "\t\n\r\fé\\q" });
  });

  it("takes CR, LF and CRLF as line ends", () => {
    expect(parse("a=1\rb=2\r\nc=3\nd=4")).to.deep.equal({ a: "1", b: "2", c: "3", d: "4" });
  });

  it("takes a key without a value, and a value without a key", () => {
    expect(parse("a\nb=\n=c")).to.deep.equal({ a: "", b: "", "": "c" });
  });

  it("keeps trailing blanks of a value, and both of two equal keys with their lines", () => {
    expect(parseProperties("\na=1 \na=2")).to.deep.equal([
      { key: "a", value: "1 ", lineNumber: 2 },
      { key: "a", value: "2", lineNumber: 3 },
    ]);
  });

  it("reads back whatever formatProperty writes", () => {
    const text = fc.string({ unit: "binary", maxLength: 40 });
    const awkward = fc.string({
      unit: fc.constantFrom(" ", "\t", "\\", "=", ":", "#", "!", "\n", "\r", "\f", "u", "é", "a"),
      maxLength: 20,
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(text, awkward), fc.oneof(text, awkward))), pairs => {
        const lines = pairs.filter(([key, value]) => key !== "" || value !== "");
        const parsed = parseProperties(lines.map(([key, value]) => formatProperty(key, value)).join("\n"));
        expect(parsed.map(({ key, value }) => [key, value])).to.deep.equal(lines);
      }),
    );
  });

  it("never throws, whatever the text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), text => Array.isArray(parseProperties(text))));
  });
});
