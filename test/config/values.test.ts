import { inspect } from "node:util";
import { expect } from "chai";
import fc from "fast-check";
import type { ConfigDefinition } from "../../src/config/definition.ts";
import type { Password } from "../../src/config/password.ts";
import { atLeast } from "../../src/config/validators.ts";
import { canonicalText, formatDouble, formatValue, parseValue } from "../../src/config/values.ts";

function row(type: ConfigDefinition["type"], valid?: ConfigDefinition["valid"]): ConfigDefinition {
  const definition = {
    type,
    default: null,
    importance: "low",
    effect: "used",
    documentation: "",
    ...(valid ? { valid } : {}),
  };
  return definition as ConfigDefinition;
}

function value(type: ConfigDefinition["type"], text: string): unknown {
  const outcome = parseValue(row(type), text);
  return outcome.ok ? outcome.value : undefined;
}

describe("parseValue", () => {
  it("keeps integers within the bits of their type", () => {
    expect(value("short", "32767")).to.equal(32_767);
    expect(value("short", "32768")).to.equal(undefined);
    expect(value("int", "-2147483648")).to.equal(-2_147_483_648);
    expect(value("int", "2147483648")).to.equal(undefined);
    expect(value("long", "9223372036854775808")).to.equal(undefined);
    expect(value("long", "9223372036854775807")).to.equal(Number.MAX_SAFE_INTEGER);
    for (const text of ["", "1.5", "0x10", "1e3", "abc", "--1"]) expect(value("int", text), text).to.equal(undefined);
  });

  it("reads booleans in any case and nothing else as one", () => {
    expect(["true", " TRUE ", "False"].map(text => value("boolean", text))).to.deep.equal([true, true, false]);
    expect(["yes", "1", ""].map(text => value("boolean", text))).to.deep.equal([undefined, undefined, undefined]);
  });

  it("splits lists at commas and trims their entries; the empty text is the empty list", () => {
    expect(value("list", " a , b,c ")).to.deep.equal(["a", "b", "c"]);
    expect(value("list", "  ")).to.deep.equal([]);
  });

  it("refuses what the validator refuses, and says what it expects", () => {
    expect(parseValue(row("int", atLeast(1)), "0")).to.deep.equal({ ok: false, expected: "a number of at least 1" });
  });

  it("hides passwords from printing, inspection and JSON", () => {
    const secret = value("password", "hunter2") as Password;
    expect(secret.reveal()).to.equal("hunter2");
    for (const shown of [String(secret), inspect({ secret }), JSON.stringify({ secret })]) {
      expect(shown).to.contain("[hidden]").and.not.contain("hunter2");
    }
  });
});

describe("formatValue", () => {
  it("prints doubles as Java does", () => {
    const cases: [number, string][] = [
      [0.5, "0.5"],
      [1, "1.0"],
      [0, "0.0"],
      [1e7, "1.0E7"],
      [12_345_678.5, "1.23456785E7"],
      [1e-4, "1.0E-4"],
      [0.001, "0.001"],
      [Number.MAX_VALUE, "1.7976931348623157E308"],
      [9_999_999, "9999999.0"],
    ];
    for (const [number, text] of cases) expect(formatDouble(number)).to.equal(text);
  });

  it("prints the largest long as Kafka does", () => {
    expect(formatValue("long", Number.MAX_SAFE_INTEGER)).to.equal("9223372036854775807");
  });

  it("any 64-bit number: the canonical text keeps every digit", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), exact => {
        expect(canonicalText("long", ` ${exact} `)).to.equal(String(exact));
      }),
    );
  });
});
