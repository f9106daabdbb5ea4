/**
 * Applies each mutant to a copy of the sources and runs the controller's tests on it, the random histories first; prints a table of what killed each.
 * Exits with 1 when one lives, or when its text is no longer in the sources.
 *
 *     node test/metadata/controller/mutants/main.ts [--only <part of a name>] [--histories 12000]
 */
import { spawnSync } from "node:child_process";
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

const { values } = parseArgs({
  options: { only: { type: "string" }, histories: { type: "string", default: "12000" } },
});
const chosen = mutants.filter(({ name }) => name.includes(values.only ?? ""));
for (const mutant of chosen) mutated(mutant);
const rows = chosen.map(mutant => {
  const killedBy = run(mutant);
  console.log(`${killedBy === null ? "LIVES " : "killed"} ${mutant.name}`);
  return { name: mutant.name, killedBy };
});
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

/** Returns what the tests had to say of the mutant; null when they passed. */
function run(mutant: Mutant): string | null {
  const directory = mkdtempSync(join(tmpdir(), "samsa-mutant-"));
  try {
    for (const name of COPIED) cpSync(join(root, name), join(directory, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
    symlinkSync(join(root, "test/fixtures"), join(directory, "test/fixtures"));
    writeFileSync(join(directory, mutant.file), mutated(mutant));
    const found = failureOf(directory, [HISTORIES]);
    if (found !== null)
      return `histories: ${found.replace(/.*?HISTORIES=1: /, "").replace(/partition \S+ /, "a partition ")}`;
    const other = failureOf(directory, OTHERS);
    return other === null ? null : `test: ${other}`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface Report {
  readonly stats: { readonly tests: number };
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[];
}

/** The first failure in a few words. */
function failureOf(directory: string, files: readonly string[]): string | null {
  const mocha = join(root, "node_modules/mocha/bin/mocha.js");
  const options = ["--no-config", "--extension", "ts", "--bail", "--timeout", "60000", "--reporter", "json", ...files];
  const env = { ...process.env, TEST_HISTORIES: values.histories };
  const { stdout } = spawnSync(process.execPath, [mocha, ...options], {
    cwd: directory,
    env,
    encoding: "utf8",
    timeout: 300_000,
  });
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
