/**
 * Kafka's tools by the names of their scripts, in one JVM, on one cluster.
 *
 * ```ts
 * const tools = new ToolBelt(() => cluster.bootstrapServers);
 * await tools.ask("kafka-topics", "--describe", "--topic", "orders"); // what it printed; rejects when it fails
 * await tools.refusal("kafka-topics", "--create", "--topic", "a/b"); // what it said when it failed; rejects when it does not
 * ```
 */
import { ToolShell } from "./tool-shell.ts";

const MAIN_CLASSES = {
  "kafka-broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
  "kafka-cluster": "org.apache.kafka.tools.ClusterTool",
  "kafka-configs": "kafka.admin.ConfigCommand",
  "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
  "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
  "kafka-dump-log": "org.apache.kafka.tools.DumpLogSegments",
  "kafka-features": "org.apache.kafka.tools.FeatureCommand",
  "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
  "kafka-leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
  "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
  "kafka-metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
  "kafka-reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
  "kafka-storage": "kafka.tools.StorageTool",
  "kafka-topics": "org.apache.kafka.tools.TopicCommand",
} as const;

export type ToolName = keyof typeof MAIN_CLASSES;

/** Tools that work on files, and take no address. */
const OFFLINE: readonly ToolName[] = ["kafka-dump-log", "kafka-storage"];

export class ToolBelt {
  readonly #shell = ToolShell.start();
  readonly #bootstrapServers: () => string;

  constructor(bootstrapServers: () => string) {
    this.#bootstrapServers = bootstrapServers;
  }

  /** What the tool printed, behind what the cluster's address adds to its arguments. Rejects when it fails, with all that it said. */
  async ask(tool: ToolName, ...args: string[]): Promise<string> {
    const { exitCode, said, stdout } = await this.#run(tool, args);
    if (exitCode !== 0) throw new Error(`${tool} ${args.join(" ")} exits with ${exitCode}:\n${said}`);
    return stdout;
  }

  /** What the tool said when it failed. Rejects when it does not fail. */
  async refusal(tool: ToolName, ...args: string[]): Promise<string> {
    const { exitCode, said } = await this.#run(tool, args);
    if (exitCode === 0) throw new Error(`${tool} ${args.join(" ")} is not refused:\n${said}`);
    return said;
  }

  /** Asks until what the tool prints is as wanted: for what follows from a change in its own time. Rejects with what it printed last. */
  async until(wanted: (printed: string) => boolean, tool: ToolName, ...args: string[]): Promise<string> {
    const deadlineMs = performance.now() + UNTIL_MS;
    for (;;) {
      const printed = await this.ask(tool, ...args);
      if (wanted(printed)) return printed;
      if (performance.now() > deadlineMs) throw new Error(`${tool} ${args.join(" ")} keeps printing:\n${printed}`);
      await new Promise(resolve => setTimeout(resolve, 200));
    }
  }

  async close(): Promise<void> {
    await this.#shell.close();
  }

  async #run(tool: ToolName, args: readonly string[]) {
    const [first = "", ...others] = args;
    const address = ["--bootstrap-server", this.#bootstrapServers()];
    // Who names another listener means it, and of kafka-cluster the action comes first.
    const isAddressed = OFFLINE.includes(tool) || args.some(word => word.startsWith("--bootstrap-"));
    const words = isAddressed
      ? args
      : tool === "kafka-cluster"
        ? [first, ...address, ...others]
        : [...address, ...args];
    const { exitCode, stdout, stderr } = await this.#shell.run(MAIN_CLASSES[tool], ...words);
    return { exitCode, stdout, said: `${stdout}${stderr}` };
  }
}

const UNTIL_MS = 30_000;
