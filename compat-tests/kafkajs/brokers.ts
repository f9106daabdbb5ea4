/** The brokers that kafkajs's suite expects: its ports are fixed, its node ids are 0, 1 and 2, and it tests against Kafka 2.4. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isAccepting } from "../support/broker-process.ts";
import { end, isAlive } from "../support/child-process.ts";

const MAIN = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const START_LIMIT_MS = 30_000;
const POLL_MS = 50;

/** Plaintext ports of nodes 0, 1 and 2. */
const PORTS = [9092, 9095, 9098] as const;
const CONTROLLER_OFFSET = 10_000;

export class SuiteBrokers {
  readonly #children: ChildProcess[] = [];

  /**
   * Starts one node, which then answers on the ports of all three, or three of them.
   *
   * @param folder for data and logs; `node-N.log` has what a node printed
   */
  static async start(folder: string, count: 1 | 3): Promise<SuiteBrokers> {
    const brokers = new SuiteBrokers();
    for (let id = 0; id < count; id++) {
      const file = join(folder, `node-${id}.properties`);
      writeFileSync(file, properties(id, count, join(folder, `data-${id}`)));
      const child = spawn(process.execPath, [MAIN, "start", "--config", file], { stdio: ["ignore", "pipe", "pipe"] });
      const log = createWriteStream(join(folder, `node-${id}.log`));
      child.stdout.pipe(log, { end: false });
      child.stderr.pipe(log, { end: false });
      brokers.#children.push(child);
    }
    try {
      await Promise.all(PORTS.map(port => brokers.#accepting(port)));
    } catch (error) {
      await brokers.stop();
      throw error;
    }
    return brokers;
  }

  get areRunning(): boolean {
    return this.#children.every(isAlive);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map(child => end(child, "SIGTERM")));
  }

  async #accepting(port: number): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    while (!(await isAccepting("127.0.0.1", port))) {
      if (!this.areRunning) throw new Error("a broker exited");
      if (performance.now() > deadline) throw new Error(`nobody listens on port ${port}`);
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
    }
  }
}

function properties(id: number, count: 1 | 3, dataDir: string): string {
  // A node alone takes the others' ports too, so that whichever the suite tries first is there.
  const listeners =
    count === 1 ? PORTS.map((port, index) => [`CLIENTS${index}`, port] as const) : [["CLIENTS0", PORTS[id]!] as const];
  const controllerOf = (node: number) => PORTS[node]! + CONTROLLER_OFFSET;
  const settings = {
    "process.roles": "broker,controller",
    "node.id": id,
    listeners: [
      ...listeners.map(([name, port]) => `${name}://127.0.0.1:${port}`),
      `CONTROLLER://127.0.0.1:${controllerOf(id)}`,
    ],
    "advertised.listeners": listeners.map(([name, port]) => `${name}://localhost:${port}`),
    "listener.security.protocol.map": [...listeners.map(([name]) => `${name}:PLAINTEXT`), "CONTROLLER:PLAINTEXT"],
    "inter.broker.listener.name": "CLIENTS0",
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.voters": Array.from({ length: count }, (_, node) => `${node}@127.0.0.1:${controllerOf(node)}`),
    "log.dirs": dataDir,
    "samsa.emulate.version": "2.4",
    // As the suite's own containers are set up.
    "auto.create.topics.enable": true,
    "default.replication.factor": Math.min(2, count),
    "num.partitions": 2,
    "delete.topic.enable": true,
    "group.initial.rebalance.delay.ms": 0,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");
}
