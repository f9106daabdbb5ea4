/** The command line as a program: this process's arguments, terminal and platform. */

import { ExitCode, tellFailure } from "../client/failure.ts";
import { createNodePlatform } from "../platform/node.ts";
import type { CliContext } from "./command.ts";
import { limitNursery } from "./nursery.ts";
import { packageVersion } from "./package-version.ts";
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
    const args = process.argv.slice(2);
    return (await startPlainly(args, context)) ?? (await (await import("./run.ts")).runCli(args, context));
  } finally {
    clearInterval(alive);
    // A command that was stopped may still be waiting for input.
    process.stdin.destroy();
  }
}

/** Runs `samsa start` without loading what other commands and unusual lines need; null for those. */
async function startPlainly([command, ...args]: readonly string[], context: CliContext): Promise<number | null> {
  if (command !== "start") return null;
  const { plainStart } = await import("./commands/start.ts");
  const run = plainStart(args, context);
  if (run === null) return null;
  return await run().then(
    () => ExitCode.OK,
    error => tellFailure(error, context.terminal),
  );
}
