/** Options that the benchmarks of a cluster share. */
import type { Argv } from "yargs";
import { CreateTopics } from "../../../../protocol/apis/19-create-topics.ts";
import { Errors } from "../../../../protocol/errors.ts";
import type { ClusterClient } from "../../../client/cluster-client.ts";
import { throwOnError } from "../../../client/failure.ts";
import type { Random } from "../../../platform/platform.ts";

/** Adds what says which records are sent, and how. */
export function withRecords<T>(yargs: Argv<T>, defaults: { readonly records: number; readonly rate: number }) {
  return yargs
    .positional("topic", { type: "string", demandOption: true, describe: "Where to; made if it is not there" })
    .option("records", {
      alias: "n",
      type: "number",
      default: defaults.records,
      describe: "How many",
      requiresArg: true,
    })
    .option("record-size", {
      type: "number",
      default: 1024,
      describe: "Bytes of a record's value",
      requiresArg: true,
    })
    .option("rate", {
      type: "number",
      default: defaults.rate,
      describe: "Records a second; 0 sends as fast as it goes",
      requiresArg: true,
    })
    .option("partitions", {
      alias: "p",
      type: "number",
      describe: "Of the topic, where it has to be made",
      requiresArg: true,
    })
    .option("acks", {
      type: "string",
      choices: ["all", "1", "0"],
      default: "all",
      describe: "Whose acknowledgement counts",
      requiresArg: true,
    });
}

export function acksOf(text: string): -1 | 0 | 1 {
  return text === "all" ? -1 : text === "1" ? 1 : 0;
}

/** Makes the topic unless it is there. */
export async function ensureTopic(cluster: ClusterClient, name: string, partitions: number | undefined): Promise<void> {
  const topics = [{ name, numPartitions: partitions ?? -1, replicationFactor: -1, assignments: [], configs: [] }];
  const response = await cluster.retry(() => cluster.request(CreateTopics, { topics, timeoutMs: cluster.timeoutMs }));
  const { errorCode, errorMessage } = response.topics[0]!;
  if (errorCode !== Errors.TOPIC_ALREADY_EXISTS) throwOnError(`Cannot create topic ${name}`, errorCode, errorMessage);
}

/** Printable noise: a broker must not gain from what compresses. */
export function noise(sizeBytes: number, random: Random): Buffer {
  const value = random.bytes(sizeBytes);
  for (let at = 0; at < value.length; at++) value[at] = 33 + (value[at]! % 94);
  return value;
}
