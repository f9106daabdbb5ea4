/** What the benchmark's command line says. */
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const USAGE = `npm run bench -- [options]

  --quick              every scenario in short form, in under three minutes: to see that it works, not to compare
  --only a,b           only these scenarios (see bench/scenarios/index.ts)
  --without a,b        all but these
  --resume FILE.json   goes on with an earlier run: measures the scenarios that it lacks, or those of --only anew, and adds them to its report
  --rounds N           how often each line of the goals is measured, alternating between brokers (default 3, 1 when quick)
  --minutes N          how long the soak takes (default 30; it runs only when --only names it)
  --without-kafka      Samsa alone
  --kafka-home DIR     an unpacked Apache Kafka, instead of fetching one from Maven Central
  --without-clients    leave out kcat, librdkafka, Kafka's perf tools and kafkajs
  --recovery-gb N      how much lies in the log that is recovered after kill -9 (default 1, 0.1 when quick)
  --data-dir DIR       where brokers keep their data while measured (default the system's temporary folder, or BENCH_DIR)
  --redraw FILE.json   measures nothing: makes the report of an earlier run anew
  --out DIR            where the report goes (default bench/results)
`;

/** Of one load. */
export interface Timing {
  readonly warmupMs: number;
  readonly durationMs: number;
}

export interface Timings {
  /** Of each load before the first measurement. */
  readonly warmUp: Timing;
  /** Of loads that write so much that what the system does with unwritten pages is a part of them. */
  readonly bulk: Timing;
  readonly line: Timing;
  /** Of one place of many on an axis. */
  readonly sweep: Timing;
  /** How long a measurement waits for the machine at most; 0 does not look at it. */
  readonly quietLimitMs: number;
  /** How long the disk is looked at before any broker runs; and then as long as a bulk load takes, with batches as that has them. */
  readonly diskProbeMs: number;
  /** After this, nothing more is begun. */
  readonly totalLimitMs: number;
}

const FULL: Timings = {
  warmUp: { warmupMs: 0, durationMs: 8000 },
  bulk: { warmupMs: 2000, durationMs: 12_000 },
  line: { warmupMs: 2000, durationMs: 5000 },
  sweep: { warmupMs: 1000, durationMs: 2500 },
  quietLimitMs: 15_000,
  diskProbeMs: 8000,
  totalLimitMs: Number.POSITIVE_INFINITY,
};

const QUICK: Timings = {
  warmUp: { warmupMs: 0, durationMs: 1000 },
  bulk: { warmupMs: 150, durationMs: 700 },
  line: { warmupMs: 150, durationMs: 600 },
  sweep: { warmupMs: 150, durationMs: 400 },
  quietLimitMs: 0,
  diskProbeMs: 1000,
  totalLimitMs: 165_000,
};

export interface Options {
  readonly isQuick: boolean;
  readonly only: readonly string[] | null;
  readonly without: readonly string[];
  /** An earlier run's results, to be added to. */
  readonly resume: string | null;
  readonly rounds: number;
  readonly soakMinutes: number;
  readonly withKafka: boolean;
  readonly kafkaHome: string | null;
  readonly withClients: boolean;
  readonly recoveryGigabytes: number;
  readonly dataDir: string;
  readonly outDir: string;
  /** An earlier run's results, to be drawn again. */
  readonly redraw: string | null;
  readonly timings: Timings;
}

/** Null when the usage is asked for. Throws on what it does not know. */
export function parseOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      without: { type: "string", default: "" },
      resume: { type: "string" },
      rounds: { type: "string" },
      minutes: { type: "string", default: "30" },
      "without-kafka": { type: "boolean", default: false },
      "kafka-home": { type: "string" },
      "without-clients": { type: "boolean", default: false },
      "recovery-gb": { type: "string" },
      "data-dir": { type: "string", default: process.env.BENCH_DIR ?? tmpdir() },
      redraw: { type: "string" },
      out: { type: "string", default: fileURLToPath(new URL("./results/", import.meta.url)) },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const isQuick = values.quick;
  return {
    isQuick,
    only: values.only?.split(",") ?? null,
    without: values.without.split(",").filter(name => name !== ""),
    resume: values.resume ?? null,
    rounds: positive("rounds", values.rounds ?? (isQuick ? "1" : "3")),
    soakMinutes: positive("minutes", values.minutes),
    withKafka: !values["without-kafka"],
    kafkaHome: values["kafka-home"] ?? null,
    withClients: !values["without-clients"],
    recoveryGigabytes: positive("recovery-gb", values["recovery-gb"] ?? (isQuick ? "0.1" : "1")),
    dataDir: values["data-dir"],
    outDir: values.out,
    redraw: values.redraw ?? null,
    timings: isQuick ? QUICK : FULL,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} ${text}: expected a number above 0`);
  return value;
}
