/**
 * The oracle of the cluster tests: an idempotent producer on librdkafka, in a process of its own, that tells when each record was acknowledged.
 *
 * ```ts
 * const producer = await IdempotentProducer.start({ bootstrapServers, topic: "orders", partitions: 3, count: 100_000, recordsPerSecond: 10_000 });
 * producer.go();
 * await producer.acknowledged(30_000); // … and something happens to the cluster
 * const acknowledgements = await producer.finished();
 * ```
 *
 * The program is `idempotent-producer.c`, compiled once against librdkafka's headers.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, renameSync, statSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { hasKcat } from "../support/kcat.ts";

export interface IdempotentProducerOptions {
  readonly bootstrapServers: string;
  readonly topic: string;
  /** Of the topic; record n goes to partition n modulo this. */
  readonly partitions: number;
  /** Fewer are produced when it is told {@link IdempotentProducer.enough}. */
  readonly count: number;
  readonly recordsPerSecond: number;
  /** Default 100. */
  readonly valueSizeBytes?: number;
  /** Further settings of librdkafka. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A record that the cluster has promised to keep. */
export interface Acknowledgement {
  readonly number: number;
  readonly partition: number;
  readonly offset: number;
  /** When the client was told, since its start. */
  readonly atMs: number;
}

const SOURCE = fileURLToPath(new URL("idempotent-producer.c", import.meta.url));

/** Whether a C compiler and librdkafka's headers are here. */
const canCompileProducer: boolean =
  spawnSync("cc", ["-E", "-include", "librdkafka/rdkafka.h", "-x", "c", "/dev/null", "-o", "/dev/null"]).status === 0;

/** Skips a suite visibly where there is no producer, or no kcat to read back with; fails where clients are required (`TEST_REQUIRE_CLIENTS`). */
export function requireProducer(suite: Mocha.Context): void {
  if (hasKcat && canCompileProducer) return;
  const reason = "kcat, a C compiler and librdkafka's headers are needed";
  if (process.env.TEST_REQUIRE_CLIENTS) throw new Error(reason);
  console.log(`      skipped: ${reason}`);
  suite.skip();
}

export class IdempotentProducer {
  readonly #child: ChildProcess;
  readonly #acknowledgements: Acknowledgement[] = [];
  readonly #failures: string[] = [];
  readonly #recordsPerSecond: number;
  readonly #waiters = new Set<{ readonly count: number; readonly resolve: () => void }>();
  readonly #seekers = new Set<{
    readonly isWanted: (each: Acknowledgement) => boolean;
    readonly resolve: () => void;
  }>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #finished = Promise.withResolvers<readonly Acknowledgement[]>();
  #errors = "";
  #goneMs = Infinity;

  private constructor(child: ChildProcess, recordsPerSecond: number) {
    this.#child = child;
    this.#recordsPerSecond = recordsPerSecond;
    child.stderr?.on("data", chunk => (this.#errors += chunk));
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", line => this.#line(line));
    child.once("exit", code => this.#exited(code));
    // Whoever asks for the end is told; nobody has to ask.
    this.#finished.promise.catch(() => {});
  }

  /** Resolves when the program is ready to {@link go}. */
  static async start(options: IdempotentProducerOptions): Promise<IdempotentProducer> {
    const { bootstrapServers, topic, partitions, count, recordsPerSecond, valueSizeBytes = 100 } = options;
    const settings = Object.entries(options.settings ?? {}).map(([key, value]) => `${key}=${value}`);
    const numbers = [partitions, count, recordsPerSecond, valueSizeBytes].map(String);
    const child = spawn(compiledProducer(), [bootstrapServers, topic, ...numbers, ...settings], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    const producer = new IdempotentProducer(child, recordsPerSecond);
    await producer.#ready.promise;
    return producer;
  }

  /** Begins to produce. Returns when that was, by the wall clock: times of acknowledgements count from there, give or take a few ms. */
  go(): number {
    this.#goneMs = performance.now();
    this.#child.stdin?.write("go\n");
    return Date.now();
  }

  /** No record from this number on has been produced by now: the program may be late, but is never ahead of its rate. */
  unproducedFrom(): number {
    return Math.ceil(((performance.now() - this.#goneMs) / 1000) * this.#recordsPerSecond) + 2;
  }

  /** Ends the load: what has been produced is still waited for, and nothing else comes. */
  enough(): void {
    this.#child.stdin?.write("enough\n");
  }

  /** How many records are acknowledged so far. */
  get acknowledgedCount(): number {
    return this.#acknowledgements.length;
  }

  /** Resolves when so many records are acknowledged. Rejects when the program ends before. */
  acknowledged(count: number): Promise<void> {
    const reached = new Promise<void>(resolve => {
      if (this.#acknowledgements.length >= count) resolve();
      else this.#waiters.add({ count, resolve });
    });
    return Promise.race([reached, this.#finished.promise.then(() => {})]);
  }

  /** Resolves when a record that is wanted is acknowledged, from now on. Rejects when the program ends before. */
  async acknowledgedOne(isWanted: (acknowledgement: Acknowledgement) => boolean): Promise<void> {
    const found = new Promise<true>(resolve => {
      this.#seekers.add({ isWanted, resolve: () => resolve(true) });
    });
    if ((await Promise.race([found, this.#finished.promise])) !== true) throw new Error("the load ended before");
  }

  /** All acknowledgements in the order in which they came. Rejects when a record failed for good, or the program did. */
  finished(): Promise<readonly Acknowledgement[]> {
    return this.#finished.promise;
  }

  /** Ends the program, if it still runs. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #line(line: string): void {
    if (line === "ready") this.#ready.resolve();
    if (line === "ready" || line.startsWith("done ")) return;
    const [number, partition, offset, microseconds] = line.split(" ") as [string, string, string, string];
    if (offset.startsWith("!")) {
      this.#failures.push(line);
      return;
    }
    const acknowledgement = {
      number: Number(number),
      partition: Number(partition),
      offset: Number(offset),
      atMs: Number(microseconds) / 1000,
    };
    this.#acknowledgements.push(acknowledgement);
    for (const seeker of this.#seekers) {
      if (!seeker.isWanted(acknowledgement)) continue;
      this.#seekers.delete(seeker);
      seeker.resolve();
    }
    for (const waiter of this.#waiters) {
      if (this.#acknowledgements.length < waiter.count) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  #exited(code: number | null): void {
    const problem = new Error(
      `the producer ended with ${code} after ${this.#acknowledgements.length} acknowledgements; ` +
        `failed: ${this.#failures.slice(0, 5).join(", ") || "none"}\n${this.#errors}`,
    );
    this.#ready.reject(problem);
    if (code === 0) this.#finished.resolve(this.#acknowledgements);
    else this.#finished.reject(problem);
  }
}

/** Path of the compiled program; compiled when it is older than its source. */
function compiledProducer(): string {
  const path = join(tmpdir(), `samsa-idempotent-producer-${userInfo().uid}`);
  const compiledMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (compiledMs > statSync(SOURCE).mtimeMs) return path;
  // Compiled aside and renamed, for another test may want it at the same moment.
  const fresh = join(mkdtempSync(join(tmpdir(), "samsa-compile-")), "idempotent-producer");
  execFileSync("cc", ["-O2", "-o", fresh, SOURCE, "-lrdkafka"]);
  renameSync(fresh, path);
  return path;
}
