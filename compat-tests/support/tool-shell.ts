/**
 * Many of Kafka's tools in one JVM: about a second to start, then fractions of one for each tool.
 *
 * ```ts
 * const shell = ToolShell.start();
 * const { exitCode, stdout } = await shell.run("org.apache.kafka.tools.TopicCommand", "--list", "--bootstrap-server", address);
 * await shell.close();
 * ```
 *
 * Tools run one after the other; several shells run side by side. Needs the JDK, as Java compiles the shell when it starts it.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { kafkaClassPath } from "./kafka-tools.ts";

const SOURCE = fileURLToPath(new URL("ToolShell.java", import.meta.url));
const JAVA_FLAGS = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"];

const CLOSE_MS = 5_000;

export interface ToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class ToolShell {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #received = Buffer.alloc(0);
  #errors = "";
  #waiter: (() => void) | null = null;
  /** The tool that was started last, for the next to wait for. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#child = child;
    child.stdout.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#waiter?.();
    });
    child.stderr.on("data", (chunk: Buffer) => (this.#errors += chunk.toString("utf8")));
    child.on("exit", () => this.#waiter?.());
  }

  static start(): ToolShell {
    const args = [...JAVA_FLAGS, "-cp", kafkaClassPath(), SOURCE];
    return new ToolShell(spawn("java", args, { stdio: ["pipe", "pipe", "pipe"] }));
  }

  /** Runs a main class to its end, whatever its exit code. */
  run(mainClass: string, ...args: string[]): Promise<ToolResult> {
    return this.runWithInput("", mainClass, ...args);
  }

  /** As {@link run}, with `input` on standard input. */
  runWithInput(input: string, mainClass: string, ...args: string[]): Promise<ToolResult> {
    const result = this.#last.then(() => this.#run([mainClass, ...args], input));
    this.#last = result.catch(() => {});
    return result;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    // A tool that hangs would keep it for ever.
    const patience = setTimeout(() => this.#child.kill("SIGKILL"), CLOSE_MS);
    await exited;
    clearTimeout(patience);
  }

  async #run(words: readonly string[], input: string): Promise<ToolResult> {
    this.#child.stdin.write(Buffer.concat([intOf(words.length), ...words.map(textOf), textOf(input)]));
    const exitCode = (await this.#take(4)).readInt32BE();
    const stdout = await this.#takeText();
    const stderr = await this.#takeText();
    return { exitCode, stdout, stderr };
  }

  async #takeText(): Promise<string> {
    const sizeBytes = (await this.#take(4)).readInt32BE();
    return (await this.#take(sizeBytes)).toString("utf8");
  }

  async #take(sizeBytes: number): Promise<Buffer> {
    while (this.#received.length < sizeBytes) {
      if (this.#child.exitCode !== null) throw new Error(`the tool shell ended:\n${this.#errors}`);
      await new Promise<void>(resolve => {
        this.#waiter = resolve;
      });
    }
    const taken = this.#received.subarray(0, sizeBytes);
    this.#received = this.#received.subarray(sizeBytes);
    return taken;
  }
}

function textOf(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([intOf(bytes.length), bytes]);
}

function intOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
