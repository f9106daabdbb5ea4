/** What the benchmark's command line says. */
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const USAGE = `npm run bench -- [options]

  --quick              the table's loads and a few more, in under three minutes
  --only a,b           only these scenarios (see bench/scenarios/index.ts)
  --rounds N           how often each is measured, alternating between brokers (default 3)
  --without-kafka      Samsa alone
  --kafka-home DIR     an unpacked Apache Kafka, instead of fetching one from Maven Central
  --without-clients    leave out kcat, librdkafka, Kafka's perf tools and kafkajs
  --recovery-gb N      how much lies in the log that is recovered after kill -9 (default 1, 0.1 when quick)
  --data-dir DIR       where brokers keep their data while measured (default the system's temporary folder, or BENCH_DIR)
  --redraw FILE.json   measures nothing: makes the report of an earlier run anew
  --out DIR            where the report goes (default bench/results)
`;

export interface Options {
  readonly isQuick: boolean;
  readonly only: readonly string[] | null;
  readonly rounds: number;
  readonly withKafka: boolean;
  readonly kafkaHome: string | null;
  readonly withClients: boolean;
  readonly recoveryGigabytes: number;
  readonly dataDir: string;
  readonly outDir: string;
  /** An earlier run's results. */
  readonly redraw: string | null;
  /** Of a load. */
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** Null when the usage is asked for. Throws on what it does not know. */
export function parseOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      rounds: { type: "string", default: "3" },
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
    rounds: positive("rounds", values.rounds),
    withKafka: !values["without-kafka"],
    kafkaHome: values["kafka-home"] ?? null,
    withClients: !values["without-clients"] && !isQuick,
    recoveryGigabytes: positive("recovery-gb", values["recovery-gb"] ?? (isQuick ? "0.1" : "1")),
    dataDir: values["data-dir"],
    outDir: values.out,
    redraw: values.redraw ?? null,
    warmupMs: isQuick ? 600 : 3000,
    durationMs: isQuick ? 1000 : 5000,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} ${text}: expected a number above 0`);
  return value;
}
