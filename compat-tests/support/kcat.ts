/** kcat, the command-line client on librdkafka: whether it is here, producing, and reading whole topics with it. */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import type { ReadRecord } from "./kafkajs.ts";

const run = promisify(execFile);

export const hasKcat: boolean = spawnSync("kcat", ["-V"]).status === 0;

/** Runs kcat to its end; rejects with what it printed when it fails. */
export async function kcat(...options: string[]): Promise<string> {
  const { stdout } = await run("kcat", options, { maxBuffer: 2 ** 30 });
  return stdout;
}

/** As {@link kcat}, with `input` on its standard input. */
export async function kcatWithInput(input: string, ...options: string[]): Promise<string> {
  const running = run("kcat", options, { maxBuffer: 2 ** 30 });
  running.child.stdin?.end(input);
  return (await running).stdout;
}

/** Starts a producer of `key<TAB>value` lines on its standard input; idempotent, acks=all. */
export function startKcatProducer(address: string, topic: string, codec: string): ChildProcess {
  return spawn(
    "kcat",
    [
      ...["-P", "-q", "-E", "-b", address, "-t", topic, "-K", "\t", "-z", codec],
      ...["-X", "enable.idempotence=true", "-X", "linger.ms=5", "-X", "batch.num.messages=2000"],
      ...["-X", "reconnect.backoff.max.ms=200", "-X", "message.timeout.ms=60000"],
    ],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
}

/** Reads every record of a topic with kcat, checksums verified. */
export async function readTopicWithKcat(address: string, topic: string): Promise<ReadRecord[]> {
  const format = "%p\\t%o\\t%K\\t%k\\t%S\\t%s\\n";
  const output = await kcat(
    "-C",
    "-q",
    "-e",
    "-b",
    address,
    "-t",
    topic,
    "-o",
    "beginning",
    "-X",
    "check.crcs=true",
    "-f",
    format,
  );
  return output
    .split("\n")
    .filter(line => line !== "")
    .map(line => {
      const [partition, offset, keySize, key, valueSize, value] = line.split("\t");
      return {
        partition: Number(partition),
        offset: Number(offset),
        key: keySize === "-1" ? null : (key ?? ""),
        value: valueSize === "-1" ? null : (value ?? ""),
      };
    })
    .sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
