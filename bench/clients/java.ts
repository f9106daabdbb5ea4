/** Apache Kafka's own performance tools. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { kafkaClassPath, kafkaToolsMissing } from "../../compat-tests/support/kafka-tools.ts";
import { type Client, SIZE_BYTES } from "./client.ts";

const LATENCY_MESSAGES = 3000;

export const java: Client = {
  name: "Kafka's perf tools",
  missing: kafkaToolsMissing,
  async produce(address, topic, records) {
    const output = await tool("org.apache.kafka.tools.ProducerPerformance", [
      ...[
        "--topic",
        topic,
        "--num-records",
        String(records),
        "--record-size",
        String(SIZE_BYTES),
        "--throughput",
        "-1",
      ],
      ...["--producer-props", `bootstrap.servers=${address}`, "acks=all", "batch.size=262144", "linger.ms=5"],
    ]);
    // 500000 records sent, 312345.6 records/sec (305.02 MB/sec), 12.3 ms avg latency, …
    const perSecond = /records sent, ([\d.]+) records\/sec.*\n?\s*$/.exec(output)?.[1];
    return records / need(perSecond, output);
  },
  async consume(address, topic, records) {
    const output = await tool("org.apache.kafka.tools.ConsumerPerformance", [
      ...["--bootstrap-server", address, "--topic", topic, "--num-records", String(records), "--hide-header"],
    ]);
    // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
    return need(output.trim().split("\n").at(-1)?.split(",")[7], output) / 1000;
  },
  async latency(address, topic) {
    const args = [address, topic, String(LATENCY_MESSAGES), "all", String(SIZE_BYTES)];
    const output = await tool("org.apache.kafka.tools.EndToEndLatency", args);
    // Percentiles: 50th = 0, 99th = 2, 99.9th = 5
    const [, p50, p99, p999] = /50th = ([\d.]+), 99th = ([\d.]+), 99.9th = ([\d.]+)/.exec(output) ?? [];
    return { p50Ms: need(p50, output), p99Ms: need(p99, output), p999Ms: need(p999, output) };
  },
};

async function tool(mainClass: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("java", ["-Xmx1g", "-cp", kafkaClassPath(), mainClass, ...args], {
    timeout: 300_000,
    maxBuffer: 2 ** 26,
  });
  return stdout;
}

function need(text: string | undefined, output: string): number {
  if (text === undefined || text.trim() === "" || Number.isNaN(Number(text)))
    throw new Error(`the tool said: ${output}`);
  return Number(text);
}
