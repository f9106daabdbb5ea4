/** Several processes, each with a part of the seeds: one uses one core only. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
/** Options that are given anew to each process. */
const OWN = new Set(["--from", "--seeds", "--processes"]);

export interface SideBySideOptions {
  readonly args: readonly string[];
  readonly first: number;
  readonly count: number;
  readonly processCount: number;
}

/** Returns how many processes had a seed that failed. Their output comes as it is written. */
export async function runInProcesses({ args, first, count, processCount }: SideBySideOptions): Promise<number> {
  const kept = args.filter((arg, index) => !OWN.has(arg) && !OWN.has(args[index - 1] ?? ""));
  const share = Math.ceil(count / processCount);
  const codes = await Promise.all(
    Array.from({ length: processCount }, (_, index) => {
      const from = first + index * share;
      const seeds = Math.min(share, first + count - from);
      const own = ["--from", String(from), "--seeds", String(seeds)];
      const child = spawn(process.execPath, [...process.execArgv, MAIN, ...kept, ...own], { stdio: "inherit" });
      return new Promise<number>(resolve => child.on("close", code => resolve(code ?? 1)));
    }),
  );
  return codes.filter(code => code !== 0).length;
}
