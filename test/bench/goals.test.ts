import { expect } from "chai";
import { TABLE_ROWS } from "../../bench/load/rows.ts";
import { goalRows } from "../../bench/report/goals.ts";
import type { Entry } from "../../bench/scenario.ts";

const { one, latency } = TABLE_ROWS;

function entry(system: string, round: number, at: string, figures: Entry["figures"]): Entry {
  return { scenario: "table", system, round, at, figures };
}

describe("goalRows", () => {
  it("compares within rounds, and tells what was the limit of one that is short", () => {
    const entries = [
      entry("Samsa", 0, one.title, { thousandRecordsPerSecond: 30, brokerCores: 0.98, clientCpuShare: 0.3 }),
      entry("Kafka", 0, one.title, { thousandRecordsPerSecond: 10 }),
      // Kafka's second round failed.
      entry("Samsa", 1, one.title, { thousandRecordsPerSecond: 90, brokerCores: 0.98, clientCpuShare: 0.3 }),
      entry("Samsa", 2, one.title, { thousandRecordsPerSecond: 20, brokerCores: 0.98, clientCpuShare: 0.3 }),
      entry("Kafka", 2, one.title, { thousandRecordsPerSecond: 10 }),
    ];
    const row = goalRows(entries).find(({ goal }) => goal.startsWith(one.title))!;
    expect(row).to.deep.include({ isMet: false, reached: "2.50 (2.00–3.00) ×", ratio: 0.625 });
    expect(row.remark).to.contain("the broker's one loop was full");
  });

  it("turns around what is to be small, and leaves open what was not measured", () => {
    const rows = goalRows([entry("Samsa", 0, latency.title, { p50Ms: 0.2 })]);
    const measured = rows.filter(({ isMet }) => isMet !== null);
    expect(measured).to.have.length(1);
    expect(measured[0]).to.deep.include({ isMet: true, reached: "0.20 ms", ratio: 2 });
  });
});
