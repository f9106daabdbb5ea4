import { expect } from "chai";
import fc from "fast-check";
import {
  createLogger,
  type LogFormat,
  type LogThreshold,
  memoryLogger,
  nullLogger,
  REDACTED,
} from "../../src/logging/index.ts";

const clock = { now: () => Date.UTC(2026, 10, 21, 8, 20, 23, 123) };

function lines(format: LogFormat, level: LogThreshold = "debug") {
  const written: string[] = [];
  return { written, logger: createLogger({ level, format, write: line => written.push(line), clock }) };
}

class Password {
  readonly #value = "hunter2";
  reveal(): string {
    return this.#value;
  }
}

describe("Logger", () => {
  it("writes nothing below its level, and says so", () => {
    const { written, logger } = lines("text", "warn");
    logger.debug("a");
    logger.info("b");
    logger.warn("c");
    logger.error("d");
    expect(written).to.have.length(2);
    expect([logger.isEnabled("info"), logger.isEnabled("warn")]).to.deep.equal([false, true]);
    const off = lines("text", "off");
    off.logger.error("e");
    expect(off.written).to.deep.equal([]);
  });

  it("children add their fields to every event, their own events' fields winning", () => {
    const { written, logger } = lines("json");
    logger
      .child({ partition: "orders-3", role: "leader" })
      .child({ epoch: 4 })
      .info("isr.shrunk", { role: "follower" });
    expect(JSON.parse(written[0]!)).to.deep.equal({
      time: "2026-11-21T08:20:23.123Z",
      level: "info",
      event: "isr.shrunk",
      partition: "orders-3",
      role: "follower",
      epoch: 4,
    });
  });

  it("memoryLogger keeps entries for tests, those of children too", () => {
    const logger = memoryLogger();
    logger.child({ a: 1 }).warn("x.happened", { b: 2 });
    logger.info("y.happened");
    expect(logger.of("x.happened")).to.deep.equal([
      { timeMs: 0, level: "warn", event: "x.happened", fields: { a: 1, b: 2 } },
    ]);
    expect(logger.entries).to.have.length(2);
    logger.clear();
    expect(logger.entries).to.have.length(0);
  });

  it("nullLogger drops everything", () => {
    nullLogger.child({ a: 1 }).error("x");
    expect(nullLogger.isEnabled("error")).to.equal(false);
  });
});

describe("text format", () => {
  it("is one line of time, level, event and fields, quoting what needs it", () => {
    const { written, logger } = lines("text");
    const fields = {
      partition: "orders-3",
      note: "two words",
      empty: "",
      removed: [1, 2],
      none: null,
      left: undefined,
      size: 10n,
    };
    logger.info("isr.shrunk", fields);
    expect(written).to.deep.equal([
      '2026-11-21T08:20:23.123Z INFO  isr.shrunk partition=orders-3 note="two words" empty="" removed=[1,2] none=null size=10\n',
    ]);
  });

  it("puts an error's stack below, indented", () => {
    const { written, logger } = lines("text");
    logger.error("broker.failed", { error: Object.assign(new Error("disk gone"), { code: "EIO" }) });
    const [first, second] = written[0]!.split("\n");
    expect(first).to.include('error="Error: disk gone (EIO)"');
    expect(second).to.match(/^ {4}at /);
  });
});

describe("both formats", () => {
  for (const format of ["text", "json"] as const) {
    it(`${format}: redact by field name, at any depth, and by type`, () => {
      const { written, logger } = lines(format);
      logger.info("config.loaded", {
        "ssl.keystore.password": "hunter2",
        sasl_jaas_config: "hunter2",
        clientSecret: "hunter2",
        nested: { list: [{ token: "hunter2" }] },
        map: new Map([["Authorization", "hunter2"]]),
        wrapped: new Password(),
        values: [new Password()],
        plain: "visible",
      });
      expect(written[0]).to.not.include("hunter2");
      expect(written[0]).to.include("visible");
      expect(written[0]!.split(REDACTED)).to.have.length(8);
    });

    it(`${format}: no value and no name forges a line or sends a control character to a terminal`, () => {
      const text = fc.oneof(
        fc.string({ unit: "binary" }),
        fc.constantFrom(
          "a\nb",
          "\r\n2026 INFO  forged",
          "\u001b[2J",
          "\u0085",
          "\u2028x",
          "\u202ereversed",
          "x\u0000y",
          '"',
          "__proto__",
        ),
      );
      fc.assert(
        fc.property(text, text, text, (event, name, value) => {
          const { written, logger } = lines(format);
          logger.info(event, { [name]: value, list: [value, { [value]: value }], error: null });
          expect(written).to.have.length(1);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not appear
          expect(written[0]!.slice(0, -1)).to.not.match(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
          expect(written[0]!.endsWith("\n")).to.equal(true);
          if (format === "json") expect(JSON.parse(written[0]!).event).to.equal(event);
        }),
        { numRuns: 300 },
      );
    });

    it(`${format}: an error whose message has line breaks stays one entry`, () => {
      const { written, logger } = lines(format);
      logger.error("x", { error: new Error("first\n2026-11-21T08:20:23.123Z INFO  forged") });
      for (const line of written[0]!.split("\n").slice(1, -1)) expect(line).to.match(/^ {4}at /);
    });

    it(`${format}: bounds long strings, long lists, deep and circular values`, () => {
      const { written, logger } = lines(format);
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      logger.info("x", {
        long: "x".repeat(1_000_000),
        list: new Array(100_000).fill(1),
        circular,
        bytes: Buffer.alloc(1_000_000),
      });
      expect(written[0]!.length).to.be.lessThan(5_000);
      expect(written[0]).to.include("1000000 bytes");
    });

    it(`${format}: takes values of every kind`, () => {
      const { written, logger } = lines(format);
      const cause = new TypeError("inner");
      logger.info("x", {
        nan: Number.NaN,
        symbol: Symbol("s"),
        method: () => 1,
        set: new Set([1]),
        bare: Object.create(null),
        error: new Error("outer", { cause }),
        time: 5,
      });
      expect(written).to.have.length(1);
      expect(written[0]).to.include("NaN");
    });
  }
});
