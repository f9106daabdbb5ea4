/**
 * Applies each mutant to a copy of the sources and runs the power-loss suite on it; prints a table of what killed each one. Exits with 1 when one
 * lives, or when its text is no longer in the sources.
 *
 *     node test/log/mutants/main.ts [--only <part of a name>] [--parallel 2]
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Mutant, mutants } from "./mutants.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const COPIED = [
  "protocol",
  "src",
  ...["power-loss", "journal", "support"].map(name => `test/log/${name}`),
  "package.json",
  "tsconfig.json",
];
/** Cheap ones first: most mutants die in them. */
const FILES = [
  "test/log/journal/*.test.ts",
  ...["directories", "power-loss", "corruption", "faults"].map(name => `test/log/power-loss/${name}.test.ts`),
];
const LIMITS = { TEST_POWER_LOSS_STATES: "700", TEST_POWER_LOSS_RUNS: "12", TEST_POWER_LOSS_FAULTS: "0.4" };

interface Outcome {
  readonly mutant: Mutant;
  /** What the suite said; null when it noticed nothing. */
  readonly killedBy: string | null;
  readonly seconds: number;
}

const { values } = parseArgs({ options: { only: { type: "string" }, parallel: { type: "string", default: "2" } } });
const chosen = mutants.filter(({ name }) => name.includes(values.only ?? ""));
for (const mutant of chosen) mutated(mutant, root);
const outcomes: Outcome[] = [];
let next = 0;
const worker = async (): Promise<void> => {
  while (next < chosen.length) {
    const mutant = chosen[next++]!;
    const startedMs = performance.now();
    const killedBy = await run(mutant);
    const outcome = { mutant, killedBy, seconds: (performance.now() - startedMs) / 1000 };
    outcomes.push(outcome);
    console.log(`${killedBy === null ? "LIVES " : "killed"} ${outcome.seconds.toFixed(1)} s  ${mutant.name}`);
  }
};
await Promise.all(Array.from({ length: Number(values.parallel) }, worker));

outcomes.sort((a, b) => mutants.indexOf(a.mutant) - mutants.indexOf(b.mutant));
console.log("\n| mutant | killed by |\n|---|---|");
for (const { mutant, killedBy } of outcomes) console.log(`| ${mutant.name} | ${killedBy ?? "**nothing**"} |`);
const living = outcomes.filter(({ killedBy }) => killedBy === null);
console.log(`\n${outcomes.length - living.length} of ${outcomes.length} mutants killed`);
if (living.length > 0) process.exitCode = 1;

/** The mutant's file with its text replaced. */
function mutated(mutant: Mutant, directory: string): string {
  const source = readFileSync(join(directory, mutant.file), "utf8");
  if (source.split(mutant.from).length !== 2)
    throw new Error(`${mutant.file} does not hold, exactly once, what "${mutant.name}" replaces`);
  return source.replace(mutant.from, () => mutant.to);
}

/** Returns what the suite had to say of the mutant; null when it passed. */
async function run(mutant: Mutant): Promise<string | null> {
  const directory = mkdtempSync(join(tmpdir(), "samsa-mutant-"));
  try {
    for (const name of COPIED) cpSync(join(root, name), join(directory, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
    const path = join(directory, mutant.file);
    const source = readFileSync(path, "utf8");
    if (source.split(mutant.from).length !== 2)
      throw new Error(`${mutant.file} does not hold, exactly once, what "${mutant.name}" replaces`);
    writeFileSync(
      path,
      source.replace(mutant.from, () => mutant.to),
    );
    return await runSuite(directory, mutant.tests);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function runSuite(directory: string, tests: string | undefined): Promise<string | null> {
  const mocha = join(root, "node_modules/mocha/bin/mocha.js");
  const options = ["--no-config", "--extension", "ts", "--bail", "--reporter", "json", ...FILES];
  if (tests !== undefined) options.push("--grep", tests);
  const child = spawn(process.execPath, [mocha, ...options], {
    cwd: directory,
    env: { ...process.env, ...LIMITS },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => {
      try {
        const report = JSON.parse(output.slice(output.indexOf("{\n"))) as {
          stats: { tests: number };
          failures: { title: string; err: { message?: string } }[];
        };
        if (report.stats.tests === 0) throw new Error("no test ran");
        const failure = report.failures[0];
        resolve(failure === undefined ? null : summaryOf(failure.title, failure.err.message ?? ""));
      } catch (error) {
        reject(new Error(`the suite did not run: ${String(error)}\n${output.slice(0, 2000)}`));
      }
    });
  });
}

function summaryOf(title: string, message: string): string {
  const scenario = title.replace(/^keep[^:]*: /, "");
  const rule = message.split("\n")[0]!.replace(/;? after [.#a-o]*$/, "");
  return `${scenario}: ${rule.length > 90 ? `${rule.slice(0, 90)}…` : rule}`.replaceAll("|", "/");
}
