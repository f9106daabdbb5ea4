/**
 * A cluster of Samsa nodes, each controller and broker, set up by the letter of Kafka's documentation: directories formatted by `kafka-storage` with
 * the initial controllers, nodes started from properties files.
 *
 * ```ts
 * const cluster = await SamsaCluster.start(tools => ..., { "min.insync.replicas": 2 });
 * const fourth = await cluster.join(4, "controller");
 * await cluster.dispose();
 * ```
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePortPair } from "./broker-process.ts";
import { type NodeRoles, SamsaNode } from "./kafka-samsa-node.ts";
import { ToolBelt } from "./kafka-tool-belt.ts";

/** As `kafka-topics --describe` prints it. */
export interface DescribedPartition {
  readonly partition: number;
  /** Null when there is none. */
  readonly leader: number | null;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly elr: readonly number[];
}

type Properties = Readonly<Record<string, string | number | boolean>>;

export interface SamsaClusterOptions {
  /** Of all nodes. */
  readonly properties?: Properties;
  /** Voters named in the configuration, as before KIP-853: `kraft.version` is 0 then. */
  readonly hasStaticVoters?: boolean;
}

const NODE_IDS = [1, 2, 3];

export class SamsaCluster {
  readonly folder: string;
  readonly clusterId = uuid();
  readonly tools: ToolBelt;
  readonly nodes: SamsaNode[] = [];
  readonly #properties: Properties;
  /** Of nodes that come later: they ask the others who votes. */
  readonly #joiningProperties: Properties;

  private constructor(properties: Properties, joiningProperties: Properties) {
    this.folder = mkdtempSync(join(tmpdir(), "samsa-interop-"));
    this.tools = new ToolBelt(() => this.bootstrapServers);
    this.#properties = properties;
    this.#joiningProperties = joiningProperties;
  }

  /** Three nodes. Resolves when all of them serve. */
  static async start(options: SamsaClusterOptions = {}): Promise<SamsaCluster> {
    const ports: number[] = [];
    for (const _ of NODE_IDS) ports.push(await freePort(ports));
    const controllers = ports.map(port => `127.0.0.1:${port + 10_000}`);
    const bootstrap: Properties = { "controller.quorum.bootstrap.servers": controllers.join(",") };
    const quorum: Properties =
      options.hasStaticVoters === true
        ? { "controller.quorum.voters": NODE_IDS.map((id, index) => `${id}@${controllers[index]}`).join(",") }
        : bootstrap;
    const { properties } = options;
    const cluster = new SamsaCluster({ ...quorum, ...properties }, { ...bootstrap, ...properties });
    try {
      for (const [index, id] of NODE_IDS.entries()) {
        cluster.#add(id, "broker,controller", ports[index]!, cluster.#properties);
      }
      const voters = cluster.nodes.map(({ id, controllerAddress }) => `${id}@${controllerAddress}:${uuid()}`).join(",");
      const named = options.hasStaticVoters === true ? [] : ["--initial-controllers", voters];
      for (const node of cluster.nodes) await cluster.#format(node, ...named);
      await Promise.all(cluster.nodes.map(node => node.start()));
      return cluster;
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
  }

  /** Of the brokers that run. */
  get bootstrapServers(): string {
    return this.brokers.map(({ address }) => address).join(",");
  }

  /** Those that run. */
  get brokers(): readonly SamsaNode[] {
    return this.nodes.filter(({ isRunning, roles }) => isRunning && roles !== "controller");
  }

  node(id: number): SamsaNode {
    const found = this.nodes.find(node => node.id === id);
    if (found === undefined) throw new Error(`there is no node ${id}`);
    return found;
  }

  /** Formats and starts one more node, which does not vote yet. */
  async join(id: number, roles: NodeRoles): Promise<SamsaNode> {
    const port = await freePort(this.nodes.map(node => node.port));
    const node = this.#add(id, roles, port, this.#joiningProperties);
    await this.#format(node, "--no-initial-controllers");
    await node.start();
    return node;
  }

  /** Writes a file for tools to read, and says where. */
  writeJson(name: string, content: object): string {
    const path = join(this.folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  }

  async describe(topic: string): Promise<readonly DescribedPartition[]> {
    return partitionsIn(await this.tools.ask("kafka-topics", "--describe", "--topic", topic));
  }

  /** Resolves with the partitions of a topic once they are as wanted. */
  async untilDescribed(
    topic: string,
    wanted: (partitions: readonly DescribedPartition[]) => boolean,
  ): Promise<readonly DescribedPartition[]> {
    const isWanted = (printed: string) => wanted(partitionsIn(printed));
    return partitionsIn(await this.tools.until(isWanted, "kafka-topics", "--describe", "--topic", topic));
  }

  /** Resolves when every replica of the topic is in sync. */
  async whole(topic: string): Promise<readonly DescribedPartition[]> {
    return await this.untilDescribed(topic, partitions =>
      partitions.every(({ leader, replicas, isr }) => leader !== null && isr.length === replicas.length),
    );
  }

  /** Ends all nodes, however they are, and removes their data. */
  async dispose(): Promise<void> {
    await Promise.all([...this.nodes.map(node => node.kill("SIGKILL")), this.tools.close()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #add(id: number, roles: NodeRoles, port: number, properties: Properties): SamsaNode {
    const node = new SamsaNode({ id, folder: this.folder, port, roles, properties });
    this.nodes.push(node);
    return node;
  }

  async #format(node: SamsaNode, ...how: readonly string[]): Promise<void> {
    await this.tools.ask("kafka-storage", "format", "-t", this.clusterId, "-c", node.propertiesFile, ...how);
  }
}

/** The partitions in what `kafka-topics --describe` printed. */
export function partitionsIn(printed: string): readonly DescribedPartition[] {
  const lines = printed.split("\n").filter(line => line.startsWith("\tTopic: "));
  return lines.map(line => {
    const fieldOf = (name: string) => new RegExp(`\\t${name}: ([^\\t]*)`).exec(line)?.[1] ?? "";
    const leader = fieldOf("Leader");
    return {
      partition: Number(fieldOf("Partition")),
      leader: leader === "none" ? null : Number(leader),
      replicas: numbersIn(fieldOf("Replicas")),
      isr: numbersIn(fieldOf("Isr")),
      elr: numbersIn(fieldOf("Elr")),
    };
  });
}

function numbersIn(text: string): readonly number[] {
  return text.trim() === "" ? [] : text.trim().split(",").map(Number);
}

/** A pair of ports that is free, and that none of `taken` has. */
export async function freePort(taken: readonly number[]): Promise<number> {
  for (;;) {
    const port = await freePortPair();
    if (!taken.includes(port)) return port;
  }
}

/** Sixteen random bytes as Kafka writes them. */
export function uuid(): string {
  const text = Buffer.from(randomUUID().replaceAll("-", ""), "hex").toString("base64url");
  // A dash in front would be taken for an option.
  return text.startsWith("-") ? uuid() : text;
}
