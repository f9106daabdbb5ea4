/** The goals of PERFORMANCE for this machine, beside what was reached. A goal that nothing was measured for says so. */
import type { DiskFigures } from "../disk-probe.ts";
import { CLUSTER_SIZE } from "../fleet.ts";
import { TABLE_ROWS } from "../load/rows.ts";
import { type Entry, FIGURES, type Figure } from "../scenario.ts";
import { median, placesOf, valuesByRound } from "./statistics.ts";

export interface GoalRow {
  readonly goal: string;
  /** The median, and the lowest and highest of the rounds. */
  readonly reached: string;
  /** What was reached as a multiple of the goal, above 1 where it is met. NaN where it was not measured. */
  readonly ratio: number;
  /** Null where it was not measured. */
  readonly isMet: boolean | null;
  /** What Samsa's and Kafka's figures were, and what was the limit where it is short. */
  readonly remark: string;
}

/** Where a figure is found. */
interface Where {
  readonly scenario: string;
  readonly at: string | number;
  readonly figure: Figure;
  /** Default Samsa. */
  readonly system?: "Samsa" | "Kafka";
}

/** What was measured there, by round. */
type Values = (where: Where) => ReadonlyMap<number, number>;

interface Goal {
  readonly text: string;
  /** What each round reached, in the terms of {@link limit}; none where it was not measured. */
  readonly reached: (values: Values) => number[];
  readonly unit: string;
  readonly limit: number;
  readonly isLeast: boolean;
  /** The figures behind it: what it is short for is looked for there. */
  readonly of: readonly Where[];
}

const { batched1k, idempotent, batched100b, ten, one, partitions64, partitions6, latency } = TABLE_ROWS;
const TABLE = "table";
/** What is written as the batches of {@link DiskFigures} are. */
const BATCHED = [batched1k.title, idempotent.title];

function where(at: string | number, figure: Figure, scenario = TABLE): Where {
  return { scenario, at, figure };
}

/** Of the rounds in which both were measured. */
function quotients(upper: ReadonlyMap<number, number>, lower: ReadonlyMap<number, number>): number[] {
  return Array.from(upper, ([round, value]) => value / (lower.get(round) ?? Number.NaN)).filter(
    quotient => !Number.isNaN(quotient),
  );
}

/** Samsa's figure against Kafka's. */
function againstKafka(text: string, place: Where, limit: number, isLeast: boolean): Goal {
  const reached = (values: Values): number[] => quotients(values(place), values({ ...place, system: "Kafka" }));
  return { text, reached, unit: "×", limit, isLeast, of: [place, { ...place, system: "Kafka" }] };
}

function faster(title: string, limit: number, scenario = "table"): Goal {
  const prefix = scenario === "three-brokers" ? "three brokers, " : "";
  const place = where(title, "thousandRecordsPerSecond", scenario);
  return againstKafka(`${prefix}${title}: at least ${limit}× Kafka`, place, limit, true);
}

function least(text: string, limit: number, place: Where): Goal {
  const { unit } = FIGURES[place.figure];
  return { text, reached: values => [...values(place).values()], ...{ unit, limit, isLeast: true, of: [place] } };
}

function most(text: string, limit: number, place: Where): Goal {
  const { unit } = FIGURES[place.figure];
  return { text, reached: values => [...values(place).values()], ...{ unit, limit, isLeast: false, of: [place] } };
}

/** Memory is told in MB in the goals. */
function mostMegabytes(text: string, limit: number, places: readonly Where[]): Goal {
  const reached = (values: Values): number[] => {
    const all = places.flatMap(place => [...values(place).values()]);
    return all.length === 0 ? [] : [(Math.max(...all) * 2 ** 20) / 1e6];
  };
  return { text, reached, unit: "MB", limit, isLeast: false, of: [] };
}

/** One of our own figures against another. */
function ownRatio(text: string, [upper, lower]: readonly [Where, Where], limit: number, isLeast: boolean): Goal {
  const reached = (values: Values): number[] => quotients(values(upper), values(lower));
  return { text, reached, unit: "×", limit, isLeast, of: [upper, lower] };
}

/** Of loads that write. */
const TITLES: readonly string[] = Object.values(TABLE_ROWS).map(({ title }) => title);
const LOADS = [batched1k, idempotent, batched100b, ten, one, partitions64].map(({ title }) => title);
const THREE = "three-brokers";

const GOALS: readonly Goal[] = [
  faster(batched1k.title, 1.5),
  faster(idempotent.title, 1.5),
  most("produce 1 KiB batched: CPU", 2, where(batched1k.title, "cpuSecondsPerGigabyte")),
  faster(batched100b.title, 1),
  faster(ten.title, 3),
  faster(one.title, 4),
  most("one a batch: broker CPU a request", 10, where(one.title, "cpuMicrosecondsPerRequest")),
  faster(partitions64.title, 2.5),
  ownRatio(
    "64 partitions against our own 6",
    [where(partitions64.title, "megabytesPerSecond"), where(partitions6.title, "megabytesPerSecond")],
    ...([0.75, true] as const),
  ),
  least("consume 1 KiB records", 1000, where(batched1k.consumeTitle, "megabytesPerSecond")),
  least("consume 100 B records", 3000, where(batched100b.consumeTitle, "thousandRecordsPerSecond")),
  most("consume 1 KiB records: CPU", 0.5, where(batched1k.consumeTitle, "cpuSecondsPerGigabyte")),
  most("latency at 1,000 records/s: p50", 0.4, where(latency.title, "p50Ms")),
  againstKafka("the same: p99, at most Kafka's", where(latency.title, "p99Ms"), 1, false),
  againstKafka("the same: p99.9, at most Kafka's", where(latency.title, "p999Ms"), 1, false),
  most("start to the first answer, new directory", 150, where("new", "startMs", "start")),
  most("start to the first answer, its own directory", 150, where("its own", "startMs", "start")),
  mostMegabytes("memory after the start", 90, [where("its own", "memoryAfterStartMebibytes", "start")]),
  mostMegabytes(
    "memory under the loads above, the most",
    250,
    LOADS.map(title => where(title, "memoryMebibytes")),
  ),
  faster(batched1k.title, 2.5, THREE),
  faster(one.title, 8, THREE),
  againstKafka(
    "three brokers, latency at 1,000 records/s: p99, at most half of Kafka's",
    where(latency.title, "p99Ms", THREE),
    ...([0.5, false] as const),
  ),
  mostMegabytes(
    "three brokers, memory under load, all three",
    750,
    LOADS.map(title => where(title, "memoryMebibytes", THREE)),
  ),
  most("longest gap after kill -9 of a leader", 300, where("kill -9", "gapMs", "failover")),
  most("memory of an idle connection, of 10,000", 20, where(10_000, "kibibytesEach", "idle-connections")),
  most("memory of an idle partition, of 10,000", 10, where(10_000, "kibibytesEach", "idle-partitions")),
  ownRatio(
    "p50 of one client beside 10,000 idle connections, against none",
    [where(10_000, "p50Ms", "idle-connections"), where(0, "p50Ms", "idle-connections")],
    ...([2, false] as const),
  ),
  ownRatio(
    "p50 of one client beside 10,000 idle partitions, against none",
    [where(10_000, "p50Ms", "idle-partitions"), where(0, "p50Ms", "idle-partitions")],
    ...([2, false] as const),
  ),
];

/** Goals of the soak, which is a run of its own; `at` is what sums it up. */
function soakGoals(entries: readonly Entry[]): readonly Goal[] {
  const at = placesOf(entries, "soak").find(place => typeof place === "string");
  if (at === undefined) return [];
  return [
    // A tenth of what a broker may take, in an hour: what is less cannot be told from noise in half an hour.
    most("soak: memory's slope", 25, where(at, "slopeMebibytesPerHour", "soak")),
    most("soak: p99 in the last third against the first", 1.25, where(at, "p99Drift", "soak")),
    most("soak: longest pause of the garbage collector", 10, where(at, "pauseMs", "soak")),
  ];
}

/** @param disk what the disk gave by itself, where that is known */
export function goalRows(entries: readonly Entry[], disk?: DiskFigures): GoalRow[] {
  const values: Values = ({ scenario, at, figure, system = "Samsa" }) =>
    valuesByRound(entries, { scenario, system, at }, figure);
  return [...GOALS, ...soakGoals(entries)].map(goal => {
    const reached = goal.reached(values);
    if (reached.length === 0)
      return { goal: textOf(goal), reached: "not measured", ratio: Number.NaN, isMet: null, remark: "" };
    const { limit, isLeast, unit } = goal;
    const middle = median(reached);
    const ratio = isLeast ? middle / limit : limit / middle;
    const isMet = isLeast ? middle >= limit : middle <= limit;
    const range = reached.length > 1 ? ` (${short(Math.min(...reached))}–${short(Math.max(...reached))})` : "";
    const isDisturbed = entries.some(entry => entry.isDisturbed && goal.of.some(({ at }) => at === entry.at));
    // On a busy machine it cannot be told what was waited for.
    const remark = [figuresOf(goal, values), isMet || isDisturbed ? "" : limits(goal, values, disk)]
      .filter(text => text !== "")
      .join("; ");
    return { goal: textOf(goal), reached: `${short(middle)}${range} ${unit}`, ratio, isMet, remark };
  });
}

function textOf({ text, limit, unit, isLeast }: Goal): string {
  const isTold = text.includes("at least") || text.includes("at most");
  return isTold ? text : `${text}: ${isLeast ? "at least" : "at most"} ${limit.toLocaleString("en")} ${unit}`;
}

/** With three digits that tell. */
function short(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Of a ratio, both figures. */
function figuresOf({ of }: Goal, values: Values): string {
  if (of.length !== 2) return "";
  const [upper, lower] = of.map(place => short(median([...values(place).values()])));
  return `${upper} against ${lower} ${FIGURES[of[0]!.figure].unit}`;
}

/** Above this share, a process of one thread has no more to give. */
const FULL_CORE = 0.9;

/** Above this share of what the disk gives by itself, it is what a load waits for. */
const FULL_DISK = 0.75;

/** What was used up while Samsa was measured: a hint, not a diagnosis. */
function limits({ of }: Goal, values: Values, disk: DiskFigures | undefined): string {
  const [place] = of;
  if (place === undefined) return "";
  const middle = (figure: Figure): number => median([...values({ ...place, figure }).values()]);
  const cores = middle("brokerCores");
  const clientCores = middle("clientCpuShare");
  const remarks: string[] = [];
  const isProduced = TITLES.some(title => title === place.at);
  if (isProduced && disk !== undefined) {
    const copies = place.scenario === THREE ? CLUSTER_SIZE : 1;
    const written = middle("megabytesPerSecond") * copies;
    const { durableMegabytesPerSecond: most } = disk;
    const what = copies > 1 ? `${short(written)} MB/s with all copies` : `${short(written)} MB/s`;
    if (written > most * FULL_DISK) remarks.push(`${what}: the disk by itself gave ${short(most)} with syncs`);
  }
  if (place.scenario === TABLE && BATCHED.some(title => title === place.at) && disk?.batches !== undefined) {
    const { megabytesPerSecond, cpuSecondsPerGigabyte } = disk.batches;
    remarks.push(
      `writing and syncing such batches by itself: ${short(megabytesPerSecond)} MB/s, ${short(cpuSecondsPerGigabyte)} s/GB`,
    );
  }
  if (place.at === latency.title && disk !== undefined)
    remarks.push(`the disk by itself: p50 ${short(disk.syncP50Ms)}, p99 ${short(disk.syncP99Ms)} ms`);
  if (!Number.isNaN(cores) && !Number.isNaN(clientCores)) {
    const used = `Samsa ${cores.toFixed(2)} cores, generator ${clientCores.toFixed(2)}`;
    if (clientCores > FULL_CORE) remarks.push(`${used}: the generator was the limit`);
    else if (cores + clientCores > 2 * FULL_CORE) remarks.push(`${used}: the machine's cores were full`);
    else if (cores > FULL_CORE && place.scenario !== THREE) remarks.push(`${used}: the broker's one loop was full`);
    else remarks.push(`${used}${remarks.length > 0 ? "" : ": neither was full, so the disk was waited for"}`);
  }
  return remarks.join("; ");
}
