import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { samsa } from "./support/samsa.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** A `samsa start` in a process of its own. */
class Node {
  readonly #process: ChildProcess;
  readonly exited: Promise<number | string>;
  output = "";
  notes = "";

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const env = { PATH: process.env.PATH, ...environment };
    this.#process = spawn(process.execPath, [MAIN, "start", ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#process.stdout!.on("data", chunk => {
      this.output += chunk;
    });
    this.#process.stderr!.on("data", chunk => {
      this.notes += chunk;
    });
    this.exited = new Promise(resolve => this.#process.on("close", (code, signal) => resolve(code ?? signal ?? "")));
  }

  /** Resolves with the port clients connect to. */
  async ready(): Promise<number> {
    for (;;) {
      const match = /clients connect to 127\.0\.0\.1:(\d+)/.exec(this.output);
      if (match) return Number(match[1]);
      if (this.#process.exitCode !== null) expect.fail(`it has ended: ${this.notes}`);
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}

describe("samsa start as a process", () => {
  let directory: string;
  const nodes: Node[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "samsa-start-"));
  });

  afterEach(async () => {
    for (const node of nodes.splice(0)) {
      node.kill("SIGKILL");
      await node.exited;
    }
    rmSync(directory, { recursive: true, force: true });
  });

  function start(args: readonly string[] = [], environment?: Readonly<Record<string, string>>): Node {
    const node = new Node(["--port", "0", "--data-dir", join(directory, "data"), ...args], environment);
    nodes.push(node);
    return node;
  }

  it("says where it listens, stops at SIGTERM with exit code 0, and has its records after the next start", async () => {
    const first = start();
    const port = await first.ready();
    expect((await samsa(["produce", "kept", "hello", "-b", `127.0.0.1:${port}`])).exitCode).to.equal(0);
    first.kill("SIGTERM");
    expect(await first.exited).to.equal(0);
    expect(first.notes).to.contain("broker.stopped");
    const second = start();
    const again = await samsa([
      "consume",
      "kept",
      "--from",
      "earliest",
      "-e",
      "-b",
      `127.0.0.1:${await second.ready()}`,
    ]);
    expect(again.output).to.equal("hello\n");
  });

  it("has every acknowledged record after kill -9", async () => {
    const first = start();
    const lines = Array.from({ length: 1000 }, (_, index) => `record ${index}`).join("\n");
    const port = await first.ready();
    expect((await samsa(["produce", "kept", "-b", `127.0.0.1:${port}`], { input: lines })).exitCode).to.equal(0);
    first.kill("SIGKILL");
    await first.exited;
    const second = start();
    const again = await samsa([
      "consume",
      "kept",
      "--from",
      "earliest",
      "-e",
      "-b",
      `127.0.0.1:${await second.ready()}`,
    ]);
    expect(again.output).to.equal(`${lines}\n`);
  });

  it("on a directory that another node uses: says so, exit code 1", async () => {
    await start().ready();
    const second = start();
    expect(await second.exited).to.equal(1);
    expect(second.notes).to.contain("samsa: The broker cannot start:");
  });

  it("reads file, environment and flags, and warns about keys it does not know", async () => {
    const file = join(directory, "server.properties");
    writeFileSync(file, "samsa.log.format = json\nlog.retentoin.hours = 5\nnum.partitions = 2\n");
    const node = start(["--config", file, "--override", "num.partitions=3"], {
      SAMSA_LOG_LEVEL: "warn",
      SAMSA_NODE_ID: "7",
    });
    const port = await node.ready();
    const warning = JSON.parse(node.notes.trim().split("\n")[0]!) as Record<string, unknown>;
    expect(warning.event).to.equal("config.warning");
    expect(JSON.stringify(warning)).to.contain("did you mean log.retention.hours?");
    expect(node.notes).to.not.contain("broker.started");
    await samsa(["topics", "create", "t", "-b", `127.0.0.1:${port}`]);
    const { output } = await samsa(["topics", "describe", "t", "--json", "-b", `127.0.0.1:${port}`]);
    const [described] = JSON.parse(output) as [{ partitions: { leader: number }[] }];
    expect(described.partitions.map(({ leader }) => leader)).to.deep.equal([7, 7, 7]);
  });
});
