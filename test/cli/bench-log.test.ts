import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { samsa } from "./support/samsa.ts";

describe("samsa bench log", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "samsa-bench-test-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("prints figures with their goals and the machine, and leaves nothing behind", async () => {
    const args = ["bench", "log", "--only", "index", "keys", "--ops", "2000", "--data-dir", directory];
    const { exitCode, output, notes } = await samsa(args);
    expect([exitCode, notes]).to.deep.equal([0, ""]);
    expect(output).to.match(/^\d+ × .*GiB.*Node \d+/);
    expect(output).to.match(/index in memory against one read a probe +[\d,.]+ × .*≥ 10 ×/);
    expect(output).to.match(/^reads by key +[\d,.]+ \/s/m);
    expect(readdirSync(directory)).to.deep.equal([]);
  });

  it("--json: prints the same for programs", async () => {
    const args = ["bench", "log", "--only", "index", "--ops", "2000", "--json", "--data-dir", directory];
    const { figures } = JSON.parse((await samsa(args)).output);
    expect(figures.at(-1)).to.include({ unit: "×", goal: 10 });
    expect(figures.at(-1).value).to.be.above(0);
  });
});
