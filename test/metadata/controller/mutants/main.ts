/**
 * Applies each mutant to a copy of the sources and runs the controller's tests on it: some random histories, then the tests of the requests, then many
 * histories. Prints a table of what killed each. Exits with 1 when one lives, or when its text is no longer in the sources.
 *
 *     node test/metadata/controller/mutants/main.ts [--only <part of a name>] [--histories 12000] [--parallel 2]
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Mutant, mutants } from "./list.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../../..");
const COPIED = ["protocol", "src", "test/metadata", "test/handlers", "package.json", "tsconfig.json"];
const HISTORIES = "test/metadata/controller/cluster/cluster.test.ts";
const OTHERS = [
  "test/metadata/controller/partition-change.test.ts",
  "test/metadata/controller/supervision.test.ts",
  "test/handlers/45-alter-partition-reassignments.test.ts",
  "test/handlers/56-alter-partition.test.ts",
  "test/handlers/63-broker-heartbeat.test.ts",
];

/** Most mutants are found within so many histories. */
const SOON = 1_500;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    histories: { type: "string", default: "12000" },
    parallel: { type: "string", default: "2" },
  },
});
const chosen = mutants.filter(({ name }) => name.includes(values.only ?? ""));
for (const mutant of chosen) mutated(mutant);
const killers = new Map<Mutant, string | null>();
let next = 0;
await Promise.all(Array.from({ length: Number(values.parallel) }, work));
const rows = chosen.map(mutant => ({ name: mutant.name, killedBy: killers.get(mutant) ?? null }));
console.log("\n| mutant | killed by |\n|---|---|");
for (const { name, killedBy } of rows) console.log(`| ${name} | ${killedBy ?? "**nothing**"} |`);
const living = rows.filter(({ killedBy }) => killedBy === null);
console.log(`\n${rows.length - living.length} of ${rows.length} mutants killed`);
if (living.length > 0) process.exitCode = 1;

/** The mutant's file with its text replaced. */
function mutated({ name, file, find, replacement }: Mutant): string {
  const source = readFileSync(join(root, file), "utf8");
  if (source.split(find).length !== 2) throw new Error(`${file} does not hold, exactly once, what "${name}" replaces`);
  return source.replace(find, () => replacement);
}

async function work(): Promise<void> {
  while (next < chosen.length) {
    const mutant = chosen[next++]!;
    const killedBy = await run(mutant);
    killers.set(mutant, killedBy);
    console.log(`${killedBy === null ? "LIVES " : "killed"} ${mutant.name}`);
  }
}

/** Returns what the tests had to say of the mutant; null when they passed. */
async function run(mutant: Mutant): Promise<string | null> {
  const directory = mkdtempSync(join(tmpdir(), "samsa-mutant-"));
  try {
    for (const name of COPIED) cpSync(join(root, name), join(directory, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
    symlinkSync(join(root, "test/fixtures"), join(directory, "test/fixtures"));
    writeFileSync(join(directory, mutant.file), mutated(mutant));
    const most = Number(values.histories);
    const soon = await failureOf(directory, [HISTORIES], Math.min(SOON, most));
    if (soon !== null) return historyOf(soon);
    const other = await failureOf(directory, OTHERS, 0);
    if (other !== null) return `test: ${other}`;
    const late = most > SOON ? await failureOf(directory, [HISTORIES], most) : null;
    return late === null ? null : historyOf(late);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function historyOf(failure: string): string {
  return `histories: ${failure.replace(/.*?HISTORIES=1: /, "").replace(/partition \S+ /, "a partition ")}`;
}

interface Report {
  readonly stats: { readonly tests: number };
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[];
}

/** The first failure in a few words; null when all passed. */
async function failureOf(directory: string, files: readonly string[], histories: number): Promise<string | null> {
  const mocha = join(root, "node_modules/mocha/bin/mocha.js");
  const options = ["--no-config", "--extension", "ts", "--bail", "--timeout", "600000", "--reporter", "json", ...files];
  const child = spawn(process.execPath, [mocha, ...options], {
    cwd: directory,
    env: { ...process.env, TEST_HISTORIES: String(histories) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  await new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
  const report = JSON.parse(stdout.slice(stdout.indexOf("{\n"))) as Report;
  if (report.stats.tests === 0) throw new Error("no test ran");
  const [failure] = report.failures;
  if (failure === undefined) return null;
  const isHistory = failure.err.message?.includes("HISTORIES=1") ?? false;
  return (isHistory ? (failure.err.message ?? "") : failure.fullTitle)
    .split("\n")[0]!
    .replaceAll("|", "/")
    .slice(0, 160);
}
