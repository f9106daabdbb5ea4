/**
 * Breaks the code in a copy, one mutant after another, and counts the seeds until the simulation notices.
 *
 *     node test/simulation/mutants/main.ts [--quorum] [--seeds 500] [--only text]
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { clusterMutants } from "./cluster-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { quorumMutants } from "./quorum-mutants.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const args = process.argv.slice(2);
const option = (name: string): string | undefined => args[args.indexOf(`--${name}`) + 1 || args.length];
const seedCount = option("seeds") ?? "500";
const only = option("only") ?? "";

const isQuorum = args.includes("--quorum");
const mutants: readonly (Mutant & { scenario?: string })[] = isQuorum ? quorumMutants : clusterMutants;

const copy = mkdtempSync(join(tmpdir(), "samsa-mutants-"));
try {
  for (const part of ["src", "protocol", "package.json", "tsconfig.json"]) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  }
  cpSync(join(ROOT, "test/simulation"), join(copy, "test/simulation"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  let survivorCount = 0;
  for (const { name, file, find, replacement, scenario } of mutants) {
    if (!name.includes(only)) continue;
    const path = join(copy, file);
    const original = readFileSync(path, "utf8");
    if (original.split(find).length !== 2) {
      console.log(`| ${name} | does not fit ${file} |`);
      survivorCount += 1;
      continue;
    }
    writeFileSync(
      path,
      original.replace(find, () => replacement),
    );
    const where = isQuorum ? ["--quorum"] : ["--scenario", scenario ?? ""];
    const run = spawnSync(process.execPath, ["test/simulation/main.ts", ...where, "--seeds", seedCount, "--stop"], {
      cwd: copy,
      encoding: "utf8",
      timeout: 600_000,
    });
    writeFileSync(path, original);
    const failed = /seed (\d+) FAILED \([^)]*\): (.*)/.exec(run.stdout);
    const crashed = run.status !== 0 && failed === null;
    if (run.status === 0) survivorCount += 1;
    const verdict =
      failed === null
        ? crashed
          ? `crashed: ${run.stderr.split("\n")[4] ?? ""}`
          : "SURVIVED"
        : `seed ${failed[1]}: ${failed[2]}`;
    console.log(`| ${name} | ${verdict.slice(0, 150)} |`);
  }
  console.log(`${survivorCount} survived`);
  process.exitCode = survivorCount === 0 ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
