/** Samsa from `dist/`, with its defaults: fdatasync before every acks=all answer. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePortPair } from "../../compat-tests/support/broker-process.ts";
import { end, isAlive } from "../../compat-tests/support/child-process.ts";
import { firstAnswer } from "./first-answer.ts";
import type { ClusterNode, ClusterSystem, Make, System } from "./system.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const MAIN = join(ROOT, "dist/src/cli/main.js");
const START_MS = 60_000;
/** Of what it says of its end; the first line tells. */
const LONGEST_OUTPUT = 1 << 16;
/** Kafka has none by default, Samsa 10,000, and 1,000 from one address. */
const CONNECTION_LIMITS = { "max.connections": "30000", "max.connections.per.ip": "30000" };
/** Deleted topics' files go after a second instead of a minute, as Kafka's do here: they would fill the disk. */
const SETTINGS = { ...CONNECTION_LIMITS, "log.segment.delete.delay.ms": "1000" };

export interface SamsaOptions {
  readonly overrides?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
  readonly name?: string;
  /** Told what the process prints. */
  readonly onOutput?: (text: string) => void;
}

export const samsa: Make = { name: "Samsa", start: startSamsa, startCluster };

export async function startSamsa(dataRoot: string, options: SamsaOptions = {}): Promise<System> {
  const port = await freePortPair();
  const dataDir = mkdtempSync(join(dataRoot, "samsa-"));
  const overrides = overrideArguments({ ...SETTINGS, ...options.overrides });
  const args = ["start", "--port", String(port), "--data-dir", dataDir, "--log-level", "warn", ...overrides];
  const broker = new SamsaProcess(port, args, options);
  await broker.start();
  return {
    name: options.name ?? "Samsa",
    description: description(),
    address: broker.address,
    dataDir,
    get pid() {
      return broker.pid;
    },
    get startMs() {
      return broker.startMs;
    },
    get isRunning() {
      return broker.isRunning;
    },
    kill: signal => broker.kill(signal),
    restart: () => broker.start(),
    async stop() {
      await broker.kill("SIGTERM");
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Nodes in both roles; each is a voter of the quorum. Rejects where this version cannot. */
async function startCluster(dataRoot: string, size: number): Promise<ClusterSystem> {
  const folder = mkdtempSync(join(dataRoot, "samsa-cluster-"));
  const ports: number[] = [];
  while (ports.length < size) ports.push(await freePortPair());
  const voters = ports.map((port, index) => `${index + 1}@127.0.0.1:${port + 10_000}`).join(",");
  const nodes = ports.map((port, index) => {
    const dataDir = join(folder, String(index + 1));
    mkdirSync(dataDir);
    const overrides = overrideArguments({
      ...SETTINGS,
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 10_000}`,
      "controller.quorum.voters": voters,
    });
    const args = ["start", "--id", String(index + 1), "--data-dir", dataDir, "--log-level", "error", ...overrides];
    return new SamsaProcess(port, args, {}, index + 1);
  });
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(node => node.kill("SIGKILL")));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(nodes.map(node => node.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { name: "Samsa", description: description(), nodes, stop };
}

function description(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return `Samsa ${version}, Node ${process.versions.node}, fdatasync before every acks=all answer`;
}

function overrideArguments(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([key, value]) => ["--override", `${key}=${value}`]);
}

class SamsaProcess implements ClusterNode {
  readonly id: number;
  readonly #port: number;
  readonly #args: readonly string[];
  readonly #options: SamsaOptions;
  #child: ChildProcess | null = null;
  startMs = 0;

  constructor(port: number, args: readonly string[], options: SamsaOptions, id = 1) {
    this.id = id;
    this.#port = port;
    this.#args = args;
    this.#options = options;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async start(): Promise<void> {
    const started = performance.now();
    const { nodeFlags = [], onOutput } = this.#options;
    const child = spawn(process.execPath, [...nodeFlags, MAIN, ...this.#args], {
      stdio: ["ignore", onOutput === undefined ? "ignore" : "pipe", "pipe"],
    });
    child.stdout?.setEncoding("utf8").on("data", onOutput ?? (() => {}));
    let output = "";
    child.stderr!.on("data", chunk => {
      if (output.length < LONGEST_OUTPUT) output += chunk;
    });
    this.#child = child;
    try {
      await firstAnswer("127.0.0.1", this.#port, START_MS, () => child.exitCode === null);
    } catch (error) {
      throw new Error(output.trim().split("\n")[0] || (error as Error).message);
    }
    this.startMs = performance.now() - started;
  }

  get isRunning(): boolean {
    return isAlive(this.#child);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    await end(this.#child, signal);
  }
}
