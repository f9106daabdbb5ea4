/**
 * `kafka-metadata-shell`, with a command and no terminal.
 *
 * The shell of Kafka 4.3.1 looks at what it has loaded as soon as it has loaded anything: now and then it prints of an empty image, or, of a snapshot,
 * waits for ever for an image that is complete (its end is a control batch, which it does not count). On Kafka's own files as on ours. So it runs in a
 * process of its own, and again when it was too early or too late.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { kafkaClassPath } from "./kafka-tools.ts";

const run = promisify(execFile);
const JAVA_FLAGS = ["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"];
const ATTEMPTS = 6;
const ATTEMPT_MS = 10_000;

/** What `command` prints of a metadata log or snapshot, once that is as wanted. Rejects with what it printed last. */
export async function metadataShell(
  file: string,
  command: readonly string[],
  wanted: (printed: string) => boolean,
): Promise<string> {
  const args = ["-cp", kafkaClassPath(), "org.apache.kafka.shell.MetadataShell", "--snapshot", file, ...command];
  let printed = "";
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      printed = (await run("java", [...JAVA_FLAGS, ...args], { timeout: ATTEMPT_MS })).stdout;
      if (wanted(printed)) return printed;
    } catch (error) {
      printed = String(error);
    }
  }
  throw new Error(`kafka-metadata-shell ${command.join(" ")} on ${file} prints:\n${printed}`);
}
