/**
 * Members of a group in processes of their own, whatever client they are made of.
 *
 * A member program is told what to do by one JSON argument ({@link MemberConfig}), consumes the topic as a member of the group, commits after every
 * few records, and leaves the group in order when its standard input ends. It prints one JSON object a line ({@link MemberEvent}); `owned` names all
 * that it owns from then on, `processed` comes before the offsets are committed, `committed` after the broker has taken them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export type GroupProtocol = "classic" | "consumer";

export interface MemberConfig {
  readonly bootstrap: string;
  readonly group: string;
  readonly topic: string;
  readonly protocol: GroupProtocol;
  /** Makes the member a static one (KIP-345). */
  readonly instanceId?: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

export type MemberEvent =
  | { readonly event: "owned"; readonly partitions: readonly number[] }
  | { readonly event: "processed"; readonly partition: number; readonly first: number; readonly last: number }
  | { readonly event: "committed"; readonly partition: number; readonly offset: number }
  | { readonly event: "commit-failed"; readonly partition: number; readonly message: string }
  /** `isRetried` where the client says that it goes on by itself. */
  | { readonly event: "error"; readonly message: string; readonly isRetried?: boolean }
  | { readonly event: "closed" };

/** How to start a member's process. */
export interface MemberCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** What a line of its standard output, or of its standard error, says; JSON on standard output when absent. */
  readonly parse?: LineParser;
  /** How it is told to leave; the end of its standard input when absent. */
  readonly leaveSignal?: NodeJS.Signals;
}

/** Events in a line of a program that does not speak our JSON; the state it keeps between lines is the parser's own. */
export type LineParser = (line: string, stream: "stdout" | "stderr") => readonly MemberEvent[];

/** Events of a process that is several members name the member by its number. */
type NumberedEvent = MemberEvent & { readonly member?: number };

export class MemberProcess {
  readonly #child: ChildProcess;
  readonly #leaveSignal: NodeJS.Signals | null;
  readonly #exited: Promise<unknown>;
  #errors = "";
  /** Whether it was told to leave. */
  isLeaving = false;

  constructor(command: MemberCommand, onEvent: (event: MemberEvent, member: number) => void) {
    const child = spawn(command.command, command.args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    this.#leaveSignal = command.leaveSignal ?? null;
    this.#exited = once(child, "exit");
    const parse: LineParser = command.parse ?? jsonLine;
    const hear = (stream: "stdout" | "stderr") => (line: string) => {
      if (stream === "stderr") this.#errors += `${line}\n`;
      for (const event of parse(line, stream)) onEvent(event, (event as NumberedEvent).member ?? 0);
    };
    eachLine(child.stdout, hear("stdout"));
    eachLine(child.stderr, hear("stderr"));
    child.stdin.on("error", () => {}); // it may be gone before it is told to leave
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it printed as errors, for the message of a test that fails. */
  get errors(): string {
    return this.#errors;
  }

  /** As when its machine goes away. */
  async crash(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** Lets it leave the group; resolves when it has ended. */
  async leave(): Promise<void> {
    this.isLeaving = true;
    if (this.#leaveSignal === null) this.#child.stdin?.end();
    else this.#child.kill(this.#leaveSignal);
    await this.#exited;
  }
}

function jsonLine(line: string, stream: "stdout" | "stderr"): readonly MemberEvent[] {
  return stream === "stdout" ? [JSON.parse(line) as MemberEvent] : [];
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
}
