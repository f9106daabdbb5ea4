/** Processes of a local cluster's nodes: started for it, found again by other commands, and ended. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The program that this is a part of: built, or as its sources are. */
const PROGRAM = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../main.ts" : "../main.js", import.meta.url));

/** Nothing tells when a process that is not a child of this one has ended. */
const LOOK_INTERVAL_MS = 20;

/** Starts `samsa start` with these arguments; it outlives this process, and what it prints is added to a file. */
export function startDetached(args: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, "a");
  try {
    const child = spawn(process.execPath, [PROGRAM, "start", ...args], {
      detached: true,
      stdio: ["ignore", log, log],
    });
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** Starts `samsa start` with these arguments as a child whose output is `child.stdout` and `child.stderr`. */
export function startAttached(args: readonly string[]): ChildProcess {
  // A process group of its own: Ctrl-C at the terminal is for this process, which stops the nodes one way or another.
  return spawn(process.execPath, [PROGRAM, "start", ...args], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
}

/** Whether the process runs, and is the one that serves the directory: ids of processes are given out again. */
export function isRunning(pid: number, dataDirectory: string): boolean {
  return commandLineOf(pid).includes(`${dataDirectory} `);
}

/** Resolves with whether the process is gone within `timeoutMs`. */
export async function isGone(pid: number, dataDirectory: string, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (isRunning(pid, dataDirectory)) {
    if (performance.now() > deadlineMs) return false;
    await pause(LOOK_INTERVAL_MS);
  }
  return true;
}

/** Empty when there is no such process. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    // No such process, or a system without /proc.
  }
  try {
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return "";
  }
}
