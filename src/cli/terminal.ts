/** What a command sees of the process it runs in, so that tests can run it without one. */
import type { Readable } from "node:stream";

export interface Terminal {
  readonly input: Readable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether somebody types the input. */
  readonly isInputScreen: boolean;
  /** Whether results go to a screen. */
  readonly isOutputScreen: boolean;
  /** Whether notes (errors, progress) go to a screen. */
  readonly isNoteScreen: boolean;
  readonly columns: number;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly stop: AbortSignal;
  /** Writes a result to standard output; resolves once more may be written. */
  write(text: string | Uint8Array): Promise<void>;
  /** Writes to standard error. */
  note(text: string): void;
}

/** The terminal of this process. A reader that closes the pipe (`| head`) ends the program quietly. */
export function processTerminal(): Terminal {
  const stop = new AbortController();
  const request = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on("SIGINT", request);
  process.on("SIGTERM", request);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? 0 : 1);
  });
  return {
    input: process.stdin,
    environment: process.env,
    isInputScreen: process.stdin.isTTY === true,
    isOutputScreen: process.stdout.isTTY === true,
    isNoteScreen: process.stderr.isTTY === true,
    columns: process.stdout.columns ?? 100,
    stop: stop.signal,
    write: text =>
      new Promise(resolve => {
        if (process.stdout.write(text)) resolve();
        else process.stdout.once("drain", resolve);
      }),
    note: text => {
      process.stderr.write(text);
    },
  };
}
