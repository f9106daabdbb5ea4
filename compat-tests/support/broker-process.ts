/**
 * A real broker process under test: started from `dist/`, killed and restarted as a user would.
 *
 * ```ts
 * const broker = await BrokerProcess.start();
 * await broker.kill("SIGKILL");
 * await broker.restart();
 * await broker.dispose();
 * ```
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { end, isAlive } from "./child-process.ts";

/** Settings of a node that is one of several. */
const CLUSTER_KEYS = ["samsa.peers", "controller.quorum.voters", "controller.quorum.bootstrap.servers"];
/** What a broker logs once it serves: it answers clients a little earlier, when it does not know the controller yet. */
const STARTED = "broker.started";

/** `TEST_SAMSA_MAIN=src/cli/main.ts` tests the sources as they are. */
const MAIN = process.env.TEST_SAMSA_MAIN ?? fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));

export interface BrokerProcessOptions {
  /** Further `--override key=value` settings. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** Wait for its part in the cluster, not only for its port. By default of a node that needs no others for that. */
  readonly awaitsStarted?: boolean;
  /** An existing data directory, kept at the end; a temporary one is made and removed otherwise. */
  readonly dataDir?: string;
  /** The Node executable; the one that runs the tests otherwise. */
  readonly node?: string;
  /** Flags for that executable. */
  readonly nodeFlags?: readonly string[];
  /** The broker's entry file; the checkout's `dist/` otherwise. */
  readonly main?: string;
}

export class BrokerProcess {
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly dataDir: string;
  readonly #options: BrokerProcessOptions;
  readonly #ownsDataDir: boolean;
  #child: ChildProcess | null = null;
  #output = "";

  private constructor(port: number, options: BrokerProcessOptions) {
    this.port = port;
    this.#options = options;
    this.#ownsDataDir = options.dataDir === undefined;
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "samsa-test-"));
  }

  /** Starts a broker on a free loopback port and resolves once it accepts connections. */
  static async start(options: BrokerProcessOptions = {}): Promise<BrokerProcess> {
    const broker = new BrokerProcess(await freePortPair(), options);
    await broker.restart();
    return broker;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  /** Everything the process has printed so far, over all its lives. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error("the broker is not running");
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return isAlive(this.#child);
  }

  /** Starts the process again on the same port and directory. */
  async restart(): Promise<void> {
    if (this.isRunning) throw new Error("the broker is running");
    const overrides = Object.entries(this.#options.overrides ?? {}).flatMap(([key, value]) => [
      "--override",
      `${key}=${value}`,
    ]);
    const child = spawn(
      this.#options.node ?? process.execPath,
      [
        ...(this.#options.nodeFlags ?? []),
        this.#options.main ?? MAIN,
        "start",
        "--port",
        String(this.port),
        "--data-dir",
        this.dataDir,
        ...overrides,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    child.stdout.on("data", chunk => (this.#output += chunk));
    child.stderr.on("data", chunk => (this.#output += chunk));
    this.#child = child;
    const before = this.#output.length;
    await this.#awaitThat(child, "does not listen", () => isAccepting(this.host, this.port));
    const keys = Object.keys(this.#options.overrides ?? {});
    if (this.#options.awaitsStarted ?? !CLUSTER_KEYS.some(key => keys.includes(key)))
      await this.#awaitThat(child, "does not serve", async () => this.#output.includes(STARTED, before));
  }

  /** Sends `signal` and resolves when the process is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    await end(this.#child, signal);
  }

  /** Stops the broker as `samsa start` is stopped by Ctrl-C; fails if it does not exit cleanly. */
  async stop(): Promise<void> {
    await this.kill("SIGTERM");
    if (this.#child?.exitCode !== 0) throw new Error(`the broker did not stop cleanly:\n${this.#output}`);
  }

  /** Ends the process, however it is, and removes a temporary data directory. */
  async dispose(): Promise<void> {
    await this.kill("SIGKILL");
    if (this.#ownsDataDir) rmSync(this.dataDir, { recursive: true, force: true });
  }

  async #awaitThat(child: ChildProcess, otherwise: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + 15_000;
    while (!(await condition())) {
      if (!isAlive(child)) throw new Error(`the broker exited:\n${this.#output}`);
      if (performance.now() > deadline) throw new Error(`the broker ${otherwise}:\n${this.#output}`);
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  }
}

/** Whether somebody listens there. */
export function isAccepting(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, host);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/**
 * A port P such that P and the default controller port P + 10,000 are both free. Both lie below the range that systems give to outgoing
 * connections: a client that knocks at a port of that range before anyone listens there may be given it, and find itself.
 */
export async function freePortPair(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 12_000 + Math.floor(Math.random() * 10_000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
  throw new Error("no free pair of ports");
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
