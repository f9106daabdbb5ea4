import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CliContext, defineCommand, requireNumber, withJson } from "../../command.ts";
import { formatCount, writeJson, writeTable } from "../../output.ts";
import { appendPath } from "./log/append-path.ts";
import { coldReads } from "./log/cold-reads.ts";
import { indexLookups } from "./log/index-lookups.ts";
import { keyedOperations } from "./log/keys.ts";
import { isMet, type LogBenchmark, type LogFigure } from "./log/measurement.ts";
import { openSegments } from "./log/open-segments.ts";
import { machineDescription } from "./machine.ts";

const BENCHMARKS: Readonly<Record<string, LogBenchmark>> = {
  keys: keyedOperations,
  index: indexLookups,
  append: appendPath,
  reads: coldReads,
  open: openSegments,
};

/** `samsa bench log`: the log alone, in this process, without a broker. */
export function benchLogCommand(context: CliContext) {
  return defineCommand({
    command: "log",
    describe: "Measure the log alone on this machine's disk, without a broker",
    builder: yargs =>
      withJson(yargs)
        .option("ops", {
          type: "number",
          default: 100_000,
          describe: "Operations on single records",
          requiresArg: true,
        })
        .option("only", {
          type: "string",
          array: true,
          choices: Object.keys(BENCHMARKS),
          describe: "Measure only these; open writes 10 GB",
          requiresArg: true,
        })
        .option("data-dir", {
          alias: "d",
          type: "string",
          default: tmpdir(),
          defaultDescription: "the folder for temporary files",
          describe: "A folder on the disk to be measured; what is written there is removed",
          requiresArg: true,
        })
        .example("$0 bench log --ops 100000 --data-dir /var/lib", "All measurements, on the disk that holds /var/lib"),
    handler: async args => {
      requireNumber("ops", args.ops, 1);
      mkdirSync(args["data-dir"], { recursive: true });
      const machine = machineDescription();
      const figures: LogFigure[] = [];
      for (const [name, benchmark] of Object.entries(BENCHMARKS)) {
        if (args.only !== undefined && !args.only.includes(name)) continue;
        if (context.terminal.stop.aborted) return;
        const directory = mkdtempSync(join(args["data-dir"], "samsa-bench-log-"));
        try {
          figures.push(...(await benchmark({ directory, operations: args.ops, platform: context.platform })));
        } finally {
          rmSync(directory, { recursive: true, force: true });
        }
      }
      if (args.json) return writeJson(context.terminal, { machine, figures });
      await context.terminal.write(`${machine}\n\n`);
      await writeTable(context.terminal, ["MEASUREMENT", "FIGURE", "MEDIAN MS", "P99 MS", "GOAL", ""], rowsOf(figures));
    },
  });
}

function rowsOf(figures: readonly LogFigure[]): string[][] {
  return figures.map(figure => {
    const { name, value, unit, goal, medianMs, p99Ms, medianGoalMs } = figure;
    const least = goal === null ? "" : `${unit === "ms" ? "≤" : "≥"} ${amount(goal, unit)}`;
    const median = medianGoalMs === undefined ? "" : `, median ≤ ${medianGoalMs} ms`;
    const met = isMet(figure);
    return [
      name,
      amount(value, unit),
      medianMs?.toFixed(4) ?? "",
      p99Ms?.toFixed(4) ?? "",
      `${least}${median}`,
      met === null ? "" : met ? "reached" : "missed",
    ];
  });
}

function amount(value: number, unit: LogFigure["unit"]): string {
  return `${value < 100 ? Number(value.toPrecision(3)) : formatCount(value)} ${unit}`;
}
