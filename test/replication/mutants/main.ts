/**
 * Applies each mutant to a copy of the sources and runs the model of replication on it, seed after seed; prints a table of what killed each one. Exits
 * with 1 when one lives, or when its text is no longer in the sources.
 *
 *     node test/replication/mutants/main.ts [--only <part of a name>] [--seeds 1-500] [--parallel 2]
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Edit, type Mutant, mutants } from "./list.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const COPIED = ["protocol", "src", "test/replication/model", "package.json", "tsconfig.json"];

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    seeds: { type: "string", default: "1-500" },
    parallel: { type: "string", default: "2" },
  },
});
const chosen = mutants.filter(({ name }) => name.includes(values.only));
for (const mutant of chosen) for (const edit of editsOf(mutant)) edited(edit, root);
const killedBy = new Map<Mutant, string | null>();
let next = 0;
const worker = async (): Promise<void> => {
  while (next < chosen.length) {
    const mutant = chosen[next++]!;
    const startedMs = performance.now();
    const killer = await run(mutant);
    killedBy.set(mutant, killer);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(`${killer === null ? "LIVES " : "killed"} ${seconds} s  ${mutant.name}`);
  }
};
await Promise.all(Array.from({ length: Number(values.parallel) }, worker));
console.log("\n| mutant | killed by |\n|---|---|");
for (const mutant of chosen) console.log(`| ${mutant.name} | ${killedBy.get(mutant) ?? "**nothing**"} |`);
const living = chosen.filter(mutant => killedBy.get(mutant) === null);
console.log(`\n${chosen.length - living.length} of ${chosen.length} mutants killed`);
if (living.length > 0) process.exitCode = 1;

function editsOf(mutant: Mutant): Edit[] {
  return mutant.and === undefined ? [mutant] : [mutant, mutant.and];
}

/** A file of `directory` with its text replaced. */
function edited({ file, from, to }: Edit, directory: string): string {
  const source = readFileSync(join(directory, file), "utf8");
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold, exactly once: ${from}`);
  return source.replace(from, () => to);
}

/** Returns what the model said of the mutant; null when it noticed nothing. */
async function run(mutant: Mutant): Promise<string | null> {
  const directory = mkdtempSync(join(tmpdir(), "samsa-mutant-"));
  try {
    for (const name of COPIED) cpSync(join(root, name), join(directory, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(directory, "node_modules"));
    for (const edit of editsOf(mutant)) writeFileSync(join(directory, edit.file), edited(edit, directory));
    return await runModel(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function runModel(directory: string): Promise<string | null> {
  const child = spawn(process.execPath, ["test/replication/model/main.ts", "--seeds", values.seeds], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", code => {
      const lines = output.trim().split("\n");
      const verdict = lines.find(line => line.startsWith("seed ")) ?? lines.find(line => line.includes("Error")) ?? "";
      if (code !== 0 && verdict.includes("SyntaxError")) reject(new Error(verdict));
      else resolve(code === 0 ? null : verdict.slice(0, 140).replaceAll("|", "/"));
    });
  });
}
