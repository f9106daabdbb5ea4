/** What the tests of a cluster of real processes ask of it, however its nodes are run: its clients' view, and what its nodes have logged. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { PartitionDescription } from "../../src/cli/commands/topics/describe.ts";

const run = promisify(execFile);
/** The program as it is built. */
export const SAMSA_MAIN: string = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));

/** A line of a node's log. */
export interface LoggedEvent {
  readonly nodeId: number;
  /** After the moment that was asked for. */
  readonly afterMs: number;
  readonly text: string;
}

/** How long a cluster may take to be whole again. */
const WHOLE_TIMEOUT_MS = 30_000;
const LOOK_INTERVAL_MS = 100;

export abstract class TestCluster {
  /** Where clients connect, all nodes separated by commas. */
  abstract get bootstrapServers(): string;
  abstract get nodeIds(): readonly number[];
  /** What a node has printed. */
  abstract logOf(nodeId: number): string;

  /** Runs `samsa` with these arguments. Rejects with what it printed when it fails. */
  protected async run(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [SAMSA_MAIN, ...args]);
    return stdout;
  }

  /** Runs a command that is a client of the cluster. */
  async client(...args: readonly string[]): Promise<string> {
    return this.run(...args, "-b", this.bootstrapServers);
  }

  /** Creates a topic that all nodes have a replica of. */
  async createTopic(name: string, partitions: number): Promise<void> {
    await this.client("topics", "create", name, "-p", String(partitions), "-r", "3");
  }

  /** Creates a topic with a replica on every node, led by these in turn. */
  async createTopicLedBy(name: string, partitions: number, leaders: readonly number[]): Promise<void> {
    const assignments = Array.from({ length: partitions }, (_, index) => {
      const leader = leaders[index % leaders.length]!;
      return [leader, ...this.nodeIds.filter(id => id !== leader)].join(":");
    });
    await this.client("topics", "create", name, "--replica-assignment", assignments.join(","));
  }

  async partitions(topic: string): Promise<readonly PartitionDescription[]> {
    return this.#described(topic, this.bootstrapServers);
  }

  async #described(topic: string, servers: string): Promise<readonly PartitionDescription[]> {
    const [described] = JSON.parse(await this.run("topics", "describe", topic, "--json", "-b", servers));
    return described.partitions;
  }

  /** The node that leads the quorum. */
  async activeController(): Promise<number> {
    return JSON.parse(await this.client("cluster", "status", "--json")).quorum.leader;
  }

  /** Resolves when all replicas of the topic are in sync, and every node knows it: one that was cut off may remember better times. */
  async whole(topic: string): Promise<void> {
    const deadlineMs = performance.now() + WHOLE_TIMEOUT_MS;
    for (;;) {
      const views = await Promise.all(this.bootstrapServers.split(",").map(server => this.#described(topic, server)));
      const isWhole = views
        .flat()
        .every(({ leader, isr, replicas }) => leader !== null && isr.length === replicas.length);
      const leaders = new Set(views.map(view => view.map(({ leader }) => leader).join()));
      if (isWhole && leaders.size === 1) return;
      if (performance.now() > deadlineMs) throw new Error(`not whole: ${JSON.stringify(views)}\n${this.logs}`);
      // Nothing tells a client of the change of an ISR.
      await new Promise(resolve => setTimeout(resolve, LOOK_INTERVAL_MS));
    }
  }

  /** What all nodes have printed. */
  get logs(): string {
    return this.nodeIds.map(id => `node ${id}:\n${this.logOf(id)}`).join("\n");
  }

  /** What all nodes logged from a moment of the wall clock on, for so long, in order. */
  eventsAfter(startMs: number, durationMs: number): LoggedEvent[] {
    const events = this.nodeIds.flatMap(nodeId =>
      this.logOf(nodeId)
        .split("\n")
        .map(line => ({ nodeId, afterMs: Date.parse(line.slice(0, 24)) - startMs, text: line.slice(25) })),
    );
    return events
      .filter(({ afterMs }) => afterMs >= 0 && afterMs <= durationMs)
      .sort((left, right) => left.afterMs - right.afterMs);
  }

  /** Ends all nodes, however they are, and removes what they have left. */
  abstract dispose(): Promise<void>;
}

/** The file's text; empty while there is none. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
