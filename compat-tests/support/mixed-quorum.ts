/**
 * A quorum of three controllers, Samsa's and Apache Kafka's, each a broker too, on directories that `kafka-storage` formatted.
 *
 * ```ts
 * const quorum = await MixedQuorum.start(["Samsa", "Samsa", "Apache Kafka"], { hasStaticVoters: true });
 * await quorum.elect(3, () => createTopic("orders")); // by the vote of one of the others
 * await quorum.dispose();
 * ```
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KafkaNode } from "./kafka-node.ts";
import { type DescribedPartition, freePort, partitionsIn, uuid } from "./kafka-samsa-cluster.ts";
import { SamsaNode } from "./kafka-samsa-node.ts";
import { ToolBelt } from "./kafka-tool-belt.ts";
import { field } from "./metadata-quorum-output.ts";

/** Skips a suite that is one of several arrangements, unless `TEST_ALL_QUORUMS=1` asks for all: each takes two minutes. To be called in a `before` hook. */
export function requireAllQuorums(suite: Mocha.Context): void {
  if (process.env.TEST_ALL_QUORUMS === "1") return;
  console.log("      skipped: TEST_ALL_QUORUMS=1 runs it");
  suite.skip();
}

export type NodeKind = "Samsa" | "Apache Kafka";
export type QuorumNode = SamsaNode | KafkaNode;

export interface MixedQuorumOptions {
  /** Of all nodes. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** Voters named in the configuration (`kraft.version` 0) instead of in the log. */
  readonly hasStaticVoters: boolean;
}

/** The same for all: of Samsa's own the timeouts of the quorum are shorter, and Kafka's brokers speak to controllers less often. */
const COMMON_PROPERTIES = {
  "controller.quorum.election.timeout.ms": 1000,
  "controller.quorum.fetch.timeout.ms": 2000,
  "controller.quorum.request.timeout.ms": 2000,
  "broker.heartbeat.interval.ms": 500,
  "broker.session.timeout.ms": 3000,
};
const LEADER_MS = 30_000;
const LOOK_INTERVAL_MS = 200;

export class MixedQuorum {
  readonly tools: ToolBelt;
  readonly nodes: readonly QuorumNode[];
  readonly #folder: string;

  private constructor(nodes: readonly QuorumNode[], folder: string, tools: ToolBelt) {
    this.nodes = nodes;
    this.#folder = folder;
    this.tools = tools;
  }

  /** Nodes 1, 2 and 3 of these kinds. Resolves when all of them serve. */
  static async start(kinds: readonly NodeKind[], options: MixedQuorumOptions): Promise<MixedQuorum> {
    const ports: number[] = [];
    for (const _ of kinds) ports.push(await freePort(ports));
    const addresses = ports.map(port => `127.0.0.1:${port + 10_000}`);
    const voters = addresses.map((address, index) => `${index + 1}@${address}`);
    const properties = {
      ...COMMON_PROPERTIES,
      ...(options.hasStaticVoters ? { "controller.quorum.voters": voters.join(",") } : {}),
      "controller.quorum.bootstrap.servers": addresses.join(","),
      ...options.properties,
    };
    const initial = voters.map(voter => `${voter}:${uuid()}`).join(",");
    const formatArguments = ["-t", uuid(), ...(options.hasStaticVoters ? [] : ["--initial-controllers", initial])];
    const folder = mkdtempSync(join(tmpdir(), "samsa-quorum-"));
    const nodes = kinds.map((kind, index) => {
      const place = { id: index + 1, port: ports[index]!, properties };
      if (kind === "Apache Kafka") return new KafkaNode({ ...place, formatArguments });
      return new SamsaNode({ ...place, folder, roles: "broker,controller" });
    });
    const running = () => nodes.filter(({ isRunning }) => isRunning).map(({ address }) => address);
    const quorum = new MixedQuorum(nodes, folder, new ToolBelt(() => running().join(",")));
    try {
      for (const node of nodes) {
        if (node instanceof SamsaNode)
          await quorum.tools.ask("kafka-storage", "format", "-c", node.propertiesFile, ...formatArguments);
      }
      // Kafka's first: they format their directories before anybody is waited for.
      const slowFirst = [...nodes].sort((left, right) => Number(isSamsa(left)) - Number(isSamsa(right)));
      await Promise.all(slowFirst.map(node => node.start()));
      return quorum;
    } catch (error) {
      await quorum.dispose();
      throw error;
    }
  }

  get running(): readonly QuorumNode[] {
    return this.nodes.filter(({ isRunning }) => isRunning);
  }

  node(id: number): QuorumNode {
    return this.nodes.find(node => node.id === id)!;
  }

  /** The node that leads. Resolves once there is one, which `wanted` accepts. */
  async leader(wanted: (id: number) => boolean = () => true): Promise<number> {
    const deadlineMs = performance.now() + LEADER_MS;
    for (;;) {
      // Between two leaders it may be refused.
      const ask = this.tools.ask("kafka-metadata-quorum", "describe", "--status");
      const status = await ask.catch((error: Error) => error.message);
      const id = Number(field(status, "LeaderId") || -1);
      if (id >= 0 && wanted(id)) return id;
      if (performance.now() > deadlineMs) throw new Error(`no leader as wanted:\n${status}\n${this.logs}`);
      await new Promise(resolve => setTimeout(resolve, LOOK_INTERVAL_MS));
    }
  }

  /**
   * Has a node elected by the vote of another: the third one leads before and is killed, and the voter, which was not there when `change` was made in
   * the metadata, cannot win itself. Resolves with the voter.
   */
  async elect(id: number, change: () => Promise<void>): Promise<number> {
    if ((await this.leader()) === id) {
      await this.node(id).stop();
      await this.leader(other => other !== id);
      await this.node(id).start();
    }
    const before = this.node(await this.leader());
    const voter = this.nodes.find(node => node !== before && node.id !== id)!;
    await voter.stop();
    await change();
    // One that stops cleanly votes before it is gone.
    await before.kill("SIGKILL");
    await voter.start();
    await this.leader(other => other === id);
    await before.start();
    return voter.id;
  }

  /** Resolves with the partitions of a topic once all replicas of them are in sync. */
  async whole(topic: string): Promise<readonly DescribedPartition[]> {
    const isWhole = (printed: string) =>
      partitionsIn(printed).every(({ leader, isr, replicas }) => leader !== null && isr.length === replicas.length);
    return partitionsIn(await this.tools.until(isWhole, "kafka-topics", "--describe", "--topic", topic));
  }

  /** What all nodes have printed. */
  get logs(): string {
    return this.nodes.map(({ id, output }) => `node ${id}:\n${output}`).join("\n");
  }

  /** Ends all nodes, however they are, and removes their data. */
  async dispose(): Promise<void> {
    const ended = this.nodes.map(node => (node instanceof KafkaNode ? node.dispose() : node.kill("SIGKILL")));
    await Promise.all([...ended, this.tools.close()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function isSamsa(node: QuorumNode): node is SamsaNode {
  return node instanceof SamsaNode;
}
