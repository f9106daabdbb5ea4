/**
 * Breaks the code in a copy, one mutant after another, and looks for the seed with which the simulation notices: around the known one first, then from 1
 * on. Prints a table; exits with 1 when a mutant lives, crashes for a trivial reason, or does not fit the code any more.
 *
 *     node test/simulation/mutants/main.ts [--quorum] [--seeds 500] [--only text,text] [--processes 2] [--scenario name]
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { clusterMutants } from "./cluster-mutants.ts";
import type { Edit, Mutant } from "./mutant.ts";
import { quorumMutants } from "./quorum-mutants.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const COPIED = ["src", "protocol", "test/simulation", "package.json", "tsconfig.json"];
/** Seeds on both sides of the one that is known. */
const NEIGHBOURS = 2;
/** What breaks at once in any use tells nothing of the simulation. */
const TRIVIAL = /TypeError|ReferenceError|SyntaxError/;

interface Found {
  /** Null when nothing was noticed. */
  readonly seed: number | null;
  readonly what: string;
}

const { values } = parseArgs({
  options: {
    quorum: { type: "boolean", default: false },
    seeds: { type: "string", default: "500" },
    only: { type: "string", default: "" },
    processes: { type: "string", default: "2" },
    scenario: { type: "string" },
  },
});
const all: readonly (Mutant & { scenario?: string; seed?: number })[] = values.quorum ? quorumMutants : clusterMutants;
const mutants = all.filter(({ name }) => values.only.split(",").some(text => name.includes(text)));
for (const mutant of mutants) for (const edit of editsOf(mutant)) edited(edit);

const found = new Map<Mutant, Found>();
let next = 0;
await Promise.all(Array.from({ length: Number(values.processes) }, work));
console.log("\n| mutant | scenario | noticed |\n|---|---|---|");
for (const mutant of mutants) {
  const { seed, what } = found.get(mutant)!;
  console.log(
    `| ${mutant.name} | ${scenarioOf(mutant) ?? "quorum"} | ${seed === null ? "**not**" : `seed ${seed}: ${what}`} |`,
  );
}
const livingCount = mutants.filter(mutant => found.get(mutant)?.seed === null).length;
console.log(`\n${mutants.length - livingCount} of ${mutants.length} mutants noticed`);
process.exitCode = livingCount === 0 ? 0 : 1;

/** One copy of the code, broken in one way after another. */
async function work(): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), "samsa-mutants-"));
  try {
    for (const part of COPIED) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    while (next < mutants.length) {
      const mutant = mutants[next++]!;
      const startedMs = performance.now();
      for (const edit of editsOf(mutant)) writeFileSync(join(copy, edit.file), edited(edit));
      const outcome = await search(mutant, copy);
      for (const { file } of editsOf(mutant)) cpSync(join(ROOT, file), join(copy, file));
      found.set(mutant, outcome);
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      console.log(`${outcome.seed ?? "LIVES"} (${seconds} s) ${mutant.name}: ${outcome.what}`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function scenarioOf({ scenario }: { readonly scenario?: string }): string | undefined {
  return values.scenario ?? scenario;
}

function editsOf(mutant: Mutant): readonly Edit[] {
  return mutant.and === undefined ? [mutant] : [mutant, mutant.and];
}

/** The file with its text replaced. */
function edited({ file, find, replacement }: Edit): string {
  const source = readFileSync(join(ROOT, file), "utf8");
  if (source.split(find).length !== 2) throw new Error(`${file} does not hold, exactly once: ${find}`);
  return source.replace(find, () => replacement);
}

async function search(mutant: Mutant & { seed?: number; scenario?: string }, copy: string): Promise<Found> {
  const scenario = scenarioOf(mutant);
  if (mutant.seed !== undefined) {
    const first = Math.max(1, mutant.seed - NEIGHBOURS);
    const near = await simulate(copy, scenario, first, mutant.seed + NEIGHBOURS - first + 1);
    if (near.seed !== null || near.what !== "") return near;
  }
  return simulate(copy, scenario, 1, Number(values.seeds));
}

function simulate(copy: string, scenario: string | undefined, first: number, count: number): Promise<Found> {
  const where = scenario === undefined ? ["--quorum"] : ["--scenario", scenario];
  const seeds = ["--from", String(first), "--seeds", String(count), "--stop"];
  const child = spawn(process.execPath, ["test/simulation/main.ts", ...where, ...seeds], {
    cwd: copy,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", code => {
      const failed = /^seed (\d+) FAILED \([^)]*\): (.*)/m.exec(output);
      const what = (failed?.[2] ?? "").replaceAll("|", "/").slice(0, 140);
      if (code === 0) resolve({ seed: null, what: "" });
      else if (failed === null || TRIVIAL.test(what))
        resolve({ seed: null, what: `crashes: ${what || output.slice(0, 300)}` });
      else resolve({ seed: Number(failed[1]), what });
    });
  });
}
