import { expect } from "chai";
import { TABLE_ROWS } from "../../bench/load/rows.ts";
import { goalRows } from "../../bench/report/goals.ts";
import type { Entry } from "../../bench/scenario.ts";

const { batched1k, one, latency } = TABLE_ROWS;

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

  it("tells when the disk gives no more, three times what a client sends with three replicas", () => {
    const three = (system: string, megabytesPerSecond: number): Entry => {
      const figures = { megabytesPerSecond, thousandRecordsPerSecond: megabytesPerSecond, brokerCores: 1.6 };
      return {
        scenario: "three-brokers",
        system,
        round: 0,
        at: batched1k.title,
        figures: { ...figures, clientCpuShare: 0.1 },
      };
    };
    const entries = [three("Samsa", 150), three("Kafka", 100)];
    const remarkWith = (durableMegabytesPerSecond: number): string => {
      const rows = goalRows(entries, { durableMegabytesPerSecond, syncP50Ms: 0.2, syncP99Ms: 0.4 });
      return rows.find(({ goal }) => goal.startsWith(`three brokers, ${batched1k.title}`))!.remark;
    };
    expect(remarkWith(500)).to.contain("450 MB/s with all copies: the disk by itself gave 500 with syncs");
    expect(remarkWith(1000)).not.to.contain("the disk by itself");
  });

  it("puts what the disk does with the same batches beside batched lines that are short", () => {
    const entries = ["Samsa", "Kafka"].map(system =>
      entry(system, 0, batched1k.title, { thousandRecordsPerSecond: 400 }),
    );
    const batches = { megabytesPerSecond: 431, cpuSecondsPerGigabyte: 1.234 };
    const rows = goalRows(entries, { durableMegabytesPerSecond: 900, syncP50Ms: 0.2, syncP99Ms: 0.4, batches });
    const row = rows.find(({ goal }) => goal.startsWith(batched1k.title))!;
    expect(row.remark).to.contain("writing and syncing such batches by itself: 431 MB/s, 1.23 s/GB");
  });

  it("turns around what is to be small, and leaves open what was not measured", () => {
    const rows = goalRows([entry("Samsa", 0, latency.title, { p50Ms: 0.2 })]);
    const measured = rows.filter(({ isMet }) => isMet !== null);
    expect(measured).to.have.length(1);
    expect(measured[0]).to.deep.include({ isMet: true, reached: "0.20 ms", ratio: 2 });
  });
});
