/** How something asked of a cluster ends badly, told to a person: what happened, why, and what to do about it. Commands end with its exit codes. */
import { ApiError, errorInfo, errorName } from "../../protocol/errors.ts";

/** Exit codes of the program. */
export const ExitCode = { OK: 0, FAILURE: 1, USAGE: 2 } as const;

/** A failure to be told to the person at the terminal, without a stack. */
export class CliFailure extends Error {
  readonly exitCode: number;
  /** What to do about it; null when nothing helps. */
  readonly advice: string | null;

  constructor(message: string, options: { advice?: string; exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = "CliFailure";
    this.advice = options.advice ?? null;
    this.exitCode = options.exitCode ?? ExitCode.FAILURE;
  }
}

/** The command line itself is wrong: exit code 2. */
export function usageFailure(message: string, advice?: string): CliFailure {
  return new CliFailure(message, { exitCode: ExitCode.USAGE, ...(advice === undefined ? {} : { advice }) });
}

/** A protocol error as a failure: `subject` is what could not be done. */
export function apiFailure(subject: string, code: number, message: string | null): CliFailure {
  const advice = ADVICE[errorName(code)];
  const reason = message || errorInfo(code).message;
  return new CliFailure(`${subject}: ${reason} (${errorName(code)})`, {
    ...(advice === undefined ? {} : { advice }),
    cause: new ApiError(code, reason),
  });
}

/** Throws {@link apiFailure} unless `code` is 0. */
export function throwOnError(subject: string, code: number, message: string | null = null): void {
  if (code !== 0) throw apiFailure(subject, code, message);
}

/** Tells the person at the terminal what went wrong; returns the exit code. */
export function tellFailure(error: unknown, terminal: { readonly note: (text: string) => void }): number {
  if (error instanceof CliFailure) {
    terminal.note(`samsa: ${error.message}\n${error.advice === null ? "" : `${error.advice}\n`}`);
    return error.exitCode;
  }
  // Not foreseen, so a defect of ours: the stack is what a report needs.
  terminal.note(`samsa: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return ExitCode.FAILURE;
}

/** What helps against the errors that people meet most. */
const ADVICE: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: "samsa topics list shows the topics there are.",
  TOPIC_ALREADY_EXISTS: "samsa topics describe shows it; --if-not-exists makes this no failure.",
  INVALID_REPLICATION_FACTOR: "Ask for at most as many replicas as there are brokers.",
  INVALID_CONFIG:
    "docs/config.md lists all keys with their ranges; samsa configs describe --all shows those of a topic.",
  INVALID_TOPIC_EXCEPTION: "Names have 1 to 249 letters, digits, dots, underscores and hyphens.",
  MESSAGE_TOO_LARGE: "Raise the topic's max.message.bytes, or send smaller batches (--batch-size).",
  NOT_ENOUGH_REPLICAS: "Wait for the replicas to be back in sync, or lower the topic's min.insync.replicas.",
  OFFSET_OUT_OF_RANGE: "samsa topics describe --offsets shows the range of each partition.",
  TOPIC_AUTHORIZATION_FAILED: "Ask for an ACL that allows it.",
  KAFKA_STORAGE_ERROR: "The broker's disk is full or failing; its log says more.",
};
