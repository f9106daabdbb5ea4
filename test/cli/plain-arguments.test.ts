import { expect } from "chai";
import yargs from "yargs";
import { readPlainly } from "../../src/cli/plain-arguments.ts";

const options = {
  id: { type: "number" },
  host: { type: "string", requiresArg: true },
  "data-dir": { type: "string", array: true, alias: "d", requiresArg: true },
  level: { type: "string", choices: ["info", "warn"] },
} as const;

/** As the command line is read otherwise. */
async function readByYargs(args: readonly string[]): Promise<Record<string, unknown>> {
  const parsed = await yargs(args)
    .options(options)
    .parserConfiguration({ "camel-case-expansion": false, "parse-positional-numbers": false, "strip-aliased": true })
    .parseAsync(args, {}, () => {});
  const { _, $0, ...values } = parsed as Record<string, unknown>;
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

describe("readPlainly", () => {
  for (const line of [
    "",
    "--id 3",
    "--id=007",
    "--host localhost --data-dir /a",
    "--data-dir /a --id 1 --data-dir=/b=c",
    "--host=a.b:9 --level warn",
    "--data-dir 12",
  ]) {
    it(`reads as yargs does: ${line || "nothing"}`, async () => {
      const args = line.split(" ").filter(word => word !== "");
      expect(readPlainly(args, options)).to.deep.equal(await readByYargs(args));
    });
  }

  for (const line of [
    "--help",
    "--unknown 1",
    "--id",
    "--id x",
    "--id 1e3",
    "--id -1",
    "--id 1 --id 2",
    "--host --id 1",
    "--host=",
    "--host 'a'",
    "-d /a",
    "--data-dir /a /b",
    "--level loud",
    "--no-level warn",
    "--constructor x",
    "-- --id 1",
    "more",
  ]) {
    it(`leaves to yargs: ${line}`, () => {
      expect(readPlainly(line.split(" "), options)).to.equal(null);
    });
  }
});
