/** The goals of PERFORMANCE for this machine, beside what was reached. A goal that nothing was measured for says so. */
import type { Entry, Figure } from "../scenario.ts";
import { TABLE_ROWS } from "../scenarios/table.ts";
import { median, valuesOf } from "./statistics.ts";

export interface GoalRow {
  readonly goal: string;
  readonly reached: string;
  /** Null where it was not measured. */
  readonly isMet: boolean | null;
}

type At = (figure: Figure, title: string, system?: "Samsa" | "Kafka", scenario?: string) => number;

interface Goal {
  readonly text: string;
  /** What was reached, in the terms of {@link limit}. NaN where it was not measured. */
  readonly reached: (at: At) => number;
  readonly unit: string;
  readonly digits: number;
  readonly limit: number;
  readonly isLeast: boolean;
}

const { batched1k, idempotent, batched100b, ten, one, partitions64, partitions6, latency } = TABLE_ROWS;

function ratio(title: string, limit: number, figure: Figure = "thousandRecordsPerSecond", scenario = "table"): Goal {
  const isThree = scenario === "three-brokers" ? "three brokers, " : "";
  return {
    text: `${isThree}${title}: at least ${limit}× Kafka`,
    reached: at => at(figure, title, "Samsa", scenario) / at(figure, title, "Kafka", scenario),
    ...{ unit: "×", digits: 2, limit, isLeast: true },
  };
}

function least(text: string, limit: number, unit: string, reached: Goal["reached"]): Goal {
  return { text, reached, unit, digits: 2, limit, isLeast: true };
}

function most(text: string, limit: number, unit: string, reached: Goal["reached"]): Goal {
  return { text, reached, unit, digits: 2, limit, isLeast: false };
}

const ALL_LOADS = [batched1k, idempotent, batched100b, ten, one, partitions64].map(({ title }) => title);

const GOALS: readonly Goal[] = [
  ratio(batched1k.title, 1.5),
  ratio(idempotent.title, 1.5),
  most("produce 1 KiB batched: CPU", 2, "s/GB", at => at("cpuSecondsPerGigabyte", batched1k.title)),
  ratio(batched100b.title, 1),
  ratio(ten.title, 3),
  ratio(one.title, 4),
  most("one a batch: broker CPU a request", 10, "µs", at => at("cpuMicrosecondsPerRequest", one.title)),
  ratio(partitions64.title, 2.5),
  least(
    "64 partitions against our own 6",
    0.75,
    "×",
    at => at("megabytesPerSecond", partitions64.title) / at("megabytesPerSecond", partitions6.title),
  ),
  least("consume 1 KiB records", 1000, "MB/s", at => at("megabytesPerSecond", batched1k.consumeTitle)),
  least("consume 100 B records", 3000, "K/s", at => at("thousandRecordsPerSecond", batched100b.consumeTitle)),
  most("consume: CPU", 0.5, "s/GB", at => at("cpuSecondsPerGigabyte", batched1k.consumeTitle)),
  most("latency at 1,000 records/s: p50", 0.4, "ms", at => at("p50Ms", latency.title)),
  most(
    "the same: p99, against Kafka's",
    1,
    "×",
    at => at("p99Ms", latency.title) / at("p99Ms", latency.title, "Kafka"),
  ),
  most(
    "the same: p99.9, against Kafka's",
    1,
    "×",
    at => at("p999Ms", latency.title) / at("p999Ms", latency.title, "Kafka"),
  ),
  most("start to the first answer", 150, "ms", at => at("startMs", "its own", "Samsa", "start")),
  most(
    "memory after the start",
    90,
    "MB",
    at => (at("memoryAfterStartMebibytes", "its own", "Samsa", "start") * 2 ** 20) / 1e6,
  ),
  most(
    "memory under the loads above, the most",
    250,
    "MB",
    at => (Math.max(...ALL_LOADS.map(title => at("memoryMebibytes", title))) * 2 ** 20) / 1e6,
  ),
  ratio(batched1k.title, 2.5, "thousandRecordsPerSecond", "three-brokers"),
  ratio(one.title, 8, "thousandRecordsPerSecond", "three-brokers"),
  most(
    "three brokers, latency at 1,000 records/s: p99, against Kafka's",
    0.5,
    "×",
    at => at("p99Ms", latency.title, "Samsa", "three-brokers") / at("p99Ms", latency.title, "Kafka", "three-brokers"),
  ),
  most("longest gap after kill -9 of a leader", 300, "ms", at => at("gapMs", "kill -9", "Samsa", "failover")),
  most("memory of an idle connection, of 10,000", 20, "KiB", at =>
    at("kibibytesEach", "10000", "Samsa", "idle-connections"),
  ),
  most("memory of an idle partition, of 10,000", 10, "KiB", at =>
    at("kibibytesEach", "10000", "Samsa", "idle-partitions"),
  ),
  most(
    "p50 of one client beside 10,000 idle connections, against none",
    2,
    "×",
    at => at("p50Ms", "10000", "Samsa", "idle-connections") / at("p50Ms", "0", "Samsa", "idle-connections"),
  ),
  most(
    "p50 of one client beside 10,000 idle partitions, against none",
    2,
    "×",
    at => at("p50Ms", "10000", "Samsa", "idle-partitions") / at("p50Ms", "0", "Samsa", "idle-partitions"),
  ),
];

export function goalRows(entries: readonly Entry[]): GoalRow[] {
  const at: At = (figure, title, system = "Samsa", scenario = "table") => {
    const place = /^\d+$/.test(title) ? Number(title) : title;
    return median(valuesOf(entries, { scenario, system, at: place }, figure));
  };
  return GOALS.map(goal => {
    const reached = goal.reached(at);
    if (Number.isNaN(reached)) return { goal: textOf(goal), reached: "not measured", isMet: null };
    const isMet = goal.isLeast ? reached >= goal.limit : reached <= goal.limit;
    return { goal: textOf(goal), reached: `${reached.toFixed(goal.digits)} ${goal.unit}`, isMet };
  });
}

function textOf({ text, limit, unit, isLeast }: Goal): string {
  return text.includes("at least") ? text : `${text}: ${isLeast ? "at least" : "at most"} ${limit} ${unit}`;
}
