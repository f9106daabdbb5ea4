/** The end of a child process, awaited. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Whether it was started and has not ended. */
export function isAlive(child: ChildProcess | null): child is ChildProcess {
  return child !== null && child.exitCode === null && child.signalCode === null;
}

/** Far longer than anything that ends by itself takes to. */
const END_LIMIT_MS = 60_000;

/**
 * Sends `signal` and resolves when the process is gone; at once when there is none any more. One that is still there after a minute is killed, and
 * the promise rejects.
 */
export async function end(child: ChildProcess | null, signal: NodeJS.Signals): Promise<void> {
  if (!isAlive(child)) return;
  const exited = once(child, "exit");
  let isStuck = false;
  const timer = setTimeout(() => {
    isStuck = true;
    child.kill("SIGKILL");
  }, END_LIMIT_MS);
  child.kill(signal);
  await exited;
  clearTimeout(timer);
  if (isStuck)
    throw new Error(`${child.spawnfile} (${child.pid}) did not end within ${END_LIMIT_MS / 1000} s of ${signal}`);
}
