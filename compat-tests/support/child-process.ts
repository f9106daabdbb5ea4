/** The end of a child process, awaited. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Whether it was started and has not ended. */
export function isAlive(child: ChildProcess | null): child is ChildProcess {
  return child !== null && child.exitCode === null && child.signalCode === null;
}

/** Sends `signal` and resolves when the process is gone; at once when there is none any more. */
export async function end(child: ChildProcess | null, signal: NodeJS.Signals): Promise<void> {
  if (!isAlive(child)) return;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}
