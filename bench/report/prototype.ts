/**
 * What the path from socket to disk costs without a broker's features: a prototype of 45 lines on Node 24, one loop, CRC checked, offsets patched in
 * place, one `writev` a partition a tick, `fdatasync` before every answer; no index, no sequences, no sessions, no Kafka decoding. It was driven by
 * librdkafka on a machine of two virtual EPYC cores, so its figures are a measure on such a machine only.
 */
import { TABLE_ROWS } from "../load/rows.ts";
import { type Entry, FIGURES, type Figure } from "../scenario.ts";
import { median, spread, valuesOf } from "./statistics.ts";

const { batched1k, batched100b, ten, one, partitions64, latency } = TABLE_ROWS;

interface Prototype {
  readonly title: string;
  readonly figure: Figure;
  readonly low: number;
  readonly high: number;
  /** Whether more is better. */
  readonly isRate: boolean;
}

const PROTOTYPE: readonly Prototype[] = [
  { title: batched1k.title, figure: "megabytesPerSecond", low: 460, high: 710, isRate: true },
  { title: batched1k.title, figure: "cpuSecondsPerGigabyte", low: 1.3, high: 1.3, isRate: false },
  { title: batched100b.title, figure: "thousandRecordsPerSecond", low: 2300, high: 2900, isRate: true },
  { title: batched100b.title, figure: "cpuMicrosecondsPerRecord", low: 0.19, high: 0.19, isRate: false },
  { title: ten.title, figure: "thousandRecordsPerSecond", low: 620, high: 800, isRate: true },
  { title: ten.title, figure: "cpuMicrosecondsPerRecord", low: 0.7, high: 0.7, isRate: false },
  { title: one.title, figure: "thousandRecordsPerSecond", low: 109, high: 116, isRate: true },
  { title: one.title, figure: "cpuMicrosecondsPerRecord", low: 4.9, high: 4.9, isRate: false },
  { title: partitions64.title, figure: "megabytesPerSecond", low: 553, high: 553, isRate: true },
  { title: latency.title, figure: "p50Ms", low: 0.32, high: 0.38, isRate: false },
  { title: latency.title, figure: "p99Ms", low: 1.3, high: 1.9, isRate: false },
  { title: latency.title, figure: "p999Ms", low: 7, high: 8.5, isRate: false },
];

/** A section of the report; empty where nothing of it was measured. */
export function prototypeSection(entries: readonly Entry[]): string[] {
  const rows = PROTOTYPE.flatMap(({ title, figure, low, high, isRate }) => {
    const values = valuesOf(entries, { scenario: "table", system: "Samsa", at: title }, figure);
    if (values.length === 0) return [];
    const middle = (low + high) / 2;
    const ratio = isRate ? median(values) / middle : middle / median(values);
    const { title: name, unit } = FIGURES[figure];
    const range = low === high ? String(low) : `${low.toLocaleString("en")}–${high.toLocaleString("en")}`;
    return [`| ${title}: ${name} | ${range} ${unit} | ${spread(values, figure)} | ${ratio.toFixed(2)}× |`];
  });
  if (rows.length === 0) return [];
  return [
    "## Beside a prototype without features",
    "",
    "The prototype reads, checks CRCs, writes and syncs, and knows neither Kafka's protocol nor indexes, sequences or sessions; it was driven by librdkafka. The last column is above 1 where Samsa does better.",
    "",
    "| | prototype | Samsa | |",
    "|---|---|---|---|",
    ...rows,
    "",
  ];
}
