import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Results, type ResultsData, readResults } from "../../bench/results.ts";

const EMPTY: ResultsData = {
  ...{ date: "2026-01-01", machine: "one", systems: [], settings: {}, minutes: 2, loadAverageBefore: 0 },
  ...{ completed: [], entries: [], omissions: [] },
};

describe("the benchmark's Results", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "samsa-bench-results-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("are in their file after every measurement, and are gone on with from there", () => {
    const file = join(folder, "run.json");
    const first = new Results(file, EMPTY, () => [{ name: "Samsa", description: "one" }]);
    first.begin("a");
    first.add({ scenario: "a", system: "Samsa", round: 0, at: 1, figures: { p99Ms: 3 } });
    first.complete("a");
    first.begin("b");
    first.add({ scenario: "b", system: "Samsa", round: 0, at: 1, figures: { p99Ms: 4 } });
    // Here it is cut short.

    const kept = readResults(file);
    expect(kept.completed).to.deep.equal(["a"]);
    const second = new Results(file, kept, () => [{ name: "Kafka", description: "two" }]);
    second.begin("b");
    second.add({ scenario: "b", system: "Samsa", round: 0, at: 1, figures: { p99Ms: 5 } });
    second.complete("b");
    const { completed, entries, systems, minutes } = readResults(file);
    expect(completed).to.deep.equal(["a", "b"]);
    expect(entries.map(({ figures }) => figures.p99Ms)).to.deep.equal([3, 5]);
    expect(systems.map(({ name }) => name)).to.deep.equal(["Samsa", "Kafka"]);
    expect(minutes).to.be.at.least(2);
  });
});
