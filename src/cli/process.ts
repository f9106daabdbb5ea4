/** The command line as a program: this process's arguments, terminal and platform. */
import { createNodePlatform } from "../platform/node.ts";
import { limitNursery } from "./nursery.ts";
import { packageVersion } from "./package-version.ts";
import { runCli } from "./run.ts";
import { processTerminal } from "./terminal.ts";

/** Longest delay a timer takes. */
const FOREVER_MS = 0x7fffffff;

/** Runs the command of this process's arguments; resolves with the exit code. */
export async function runProcess(): Promise<number> {
  // The platform's timers do not keep a process alive; a command that waits for one must not end it.
  const alive = setInterval(() => {}, FOREVER_MS);
  try {
    const platform = createNodePlatform();
    limitNursery(platform.timers);
    const context = { terminal: processTerminal(), platform, version: packageVersion() };
    return await runCli(process.argv.slice(2), context);
  } finally {
    clearInterval(alive);
    // A command that was stopped may still be waiting for input.
    process.stdin.destroy();
  }
}
