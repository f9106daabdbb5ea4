/** That every mutant can be made: what it replaces stands exactly once in its file. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { mutants } from "./mutants.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

describe("mutants of the log", () => {
  it("replace what stands exactly once in their files, and have names of their own", () => {
    const wrong = mutants.filter(
      ({ file, from, to }) => from === to || readFileSync(ROOT + file, "utf8").split(from).length !== 2,
    );
    expect(wrong.map(({ file, name }) => `${file}: ${name}`)).to.deep.equal([]);
    expect(new Set(mutants.map(({ name }) => name)).size).to.equal(mutants.length);
  });
});
