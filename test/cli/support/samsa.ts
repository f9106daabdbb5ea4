/** The command line in this process: arguments and standard input in, exit code and texts out. */
import { Readable } from "node:stream";
import { runCli } from "../../../src/cli/run.ts";
import type { Terminal } from "../../../src/cli/terminal.ts";
import { createNodePlatform } from "../../../src/platform/node.ts";

export interface RunOptions {
  /** Standard input. */
  readonly input?: string | AsyncIterable<string>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly stop?: AbortSignal;
  /** Called with everything written to standard output so far. */
  readonly onOutput?: (output: string) => void;
}

export interface RunOutcome {
  readonly exitCode: number;
  readonly output: string;
  readonly notes: string;
}

export async function samsa(args: readonly string[], options: RunOptions = {}): Promise<RunOutcome> {
  let output = "";
  let notes = "";
  const terminal: Terminal = {
    input: Readable.from(typeof options.input === "string" ? [Buffer.from(options.input)] : (options.input ?? [])),
    environment: options.environment ?? {},
    isInputScreen: false,
    isOutputScreen: false,
    isNoteScreen: false,
    columns: 100,
    stop: options.stop ?? new AbortController().signal,
    write: async text => {
      output += text;
      options.onOutput?.(output);
    },
    note: text => {
      notes += text;
    },
  };
  const exitCode = await runCli(args, { terminal, platform: createNodePlatform(), version: "1.2.3" });
  return { exitCode, output, notes };
}
