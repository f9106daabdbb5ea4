import { DescribeConfigs } from "../../../../protocol/apis/32-describe-configs.ts";
import { Errors } from "../../../../protocol/errors.ts";
import type { ClusterClient, TopicMetadata } from "../../../client/cluster-client.ts";
import { UnknownTopicError } from "../../../client/cluster-client.ts";
import { throwOnError } from "../../../client/failure.ts";
import { ConfigResourceType, ConfigSource } from "../../../config/index.ts";
import { listOffsets, OffsetQuery } from "../../client/offsets.ts";
import { type CliContext, defineCommand, useCluster, withCluster, withJson } from "../../command.ts";
import { plural, writeJson, writeTable } from "../../output.ts";
import type { Terminal } from "../../terminal.ts";

/** What `--json` says of a partition. */
export interface PartitionDescription {
  partition: number;
  leader: number | null;
  replicas: number[];
  isr: number[];
  start?: number;
  end?: number;
}

interface TopicDescription {
  topic: string;
  topicId: string;
  internal: boolean;
  replicationFactor: number;
  configs: Record<string, string | null>;
  partitions: PartitionDescription[];
}

/** `samsa topics describe` */
export function describeTopicsCommand(context: CliContext) {
  return defineCommand({
    command: "describe [topics..]",
    describe: "Show partitions, replicas and settings of topics (of all, without names)",
    builder: yargs =>
      withCluster(
        withJson(
          yargs
            .positional("topics", { type: "string", array: true, describe: "Their names" })
            .option("offsets", {
              type: "boolean",
              default: false,
              describe: "Show where each partition begins and ends",
            })
            .option("under-replicated", {
              type: "boolean",
              default: false,
              describe: "Only partitions with replicas that are not in sync",
            }),
        ),
      ),
    handler: async args => {
      await useCluster(context, args, async cluster => {
        const names = args.topics && args.topics.length > 0 ? args.topics : null;
        const { topics } = await cluster.retry(() => cluster.metadata(names));
        const described = await describeAll(cluster, topics, args.offsets);
        if (args["under-replicated"]) {
          for (const topic of described)
            topic.partitions = topic.partitions.filter(({ isr, replicas }) => isr.length < replicas.length);
        }
        const shown = described.filter(topic => !args["under-replicated"] || topic.partitions.length > 0);
        if (args.json) await writeJson(context.terminal, shown);
        else for (const topic of shown) await writeTopic(context.terminal, topic);
      });
    },
  });
}

async function describeAll(
  cluster: ClusterClient,
  topics: readonly TopicMetadata[],
  withOffsets: boolean,
): Promise<TopicDescription[]> {
  for (const { name, errorCode } of topics) {
    if (errorCode === Errors.UNKNOWN_TOPIC_OR_PARTITION) throw new UnknownTopicError(name!);
    throwOnError(`Cannot describe topic ${name}`, errorCode);
  }
  const sorted = [...topics].sort((left, right) => (left.name! < right.name! ? -1 : 1));
  const configs = await topicOverrides(
    cluster,
    sorted.map(topic => topic.name!),
  );
  return Promise.all(
    sorted.map(async topic => describeOne(topic, configs.get(topic.name!) ?? {}, withOffsets ? cluster : null)),
  );
}

async function describeOne(
  topic: TopicMetadata,
  configs: Record<string, string | null>,
  cluster: ClusterClient | null,
): Promise<TopicDescription> {
  const partitions: PartitionDescription[] = topic.partitions
    .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
      partition: partitionIndex,
      leader: leaderId < 0 ? null : leaderId,
      replicas: replicaNodes,
      isr: isrNodes,
    }))
    .sort((left, right) => left.partition - right.partition);
  if (cluster !== null) {
    const indexes = partitions.filter(({ leader }) => leader !== null).map(({ partition }) => partition);
    for (const [property, query] of [
      ["start", OffsetQuery.EARLIEST],
      ["end", OffsetQuery.LATEST],
    ] as const) {
      for (const { partition, offset } of await listOffsets(cluster, topic.name!, indexes, query)) {
        partitions.find(described => described.partition === partition)![property] = offset;
      }
    }
  }
  return {
    topic: topic.name!,
    topicId: topic.topicId,
    internal: topic.isInternal,
    replicationFactor: Math.max(0, ...partitions.map(({ replicas }) => replicas.length)),
    configs,
    partitions,
  };
}

/** What was set on each topic itself. */
async function topicOverrides(
  cluster: ClusterClient,
  names: readonly string[],
): Promise<Map<string, Record<string, string | null>>> {
  if (names.length === 0) return new Map();
  const { results } = await cluster.retry(() =>
    cluster.request(DescribeConfigs, {
      resources: names.map(resourceName => ({
        resourceType: ConfigResourceType.TOPIC,
        resourceName,
        configurationKeys: null,
      })),
    }),
  );
  return new Map(
    results.map(({ resourceName, configs }) => {
      const own = configs.filter(({ configSource }) => configSource === ConfigSource.DYNAMIC_TOPIC_CONFIG);
      return [resourceName, Object.fromEntries(own.map(({ name, value }) => [name, value]))];
    }),
  );
}

async function writeTopic(terminal: Terminal, topic: TopicDescription): Promise<void> {
  const settings = Object.entries(topic.configs).map(([name, value]) => `${name}=${value}`);
  await terminal.write(
    `${topic.topic}  ${plural(topic.partitions.length, "partition")}, replication factor ${topic.replicationFactor}, id ${topic.topicId}${topic.internal ? ", internal" : ""}\n`,
  );
  if (settings.length > 0) await terminal.write(`  ${settings.join("  ")}\n`);
  const hasOffsets = topic.partitions.some(({ start }) => start !== undefined);
  await writeTable(
    terminal,
    ["  partition", "leader", "replicas", "in sync", ...(hasOffsets ? ["start", "end"] : [])],
    topic.partitions.map(({ partition, leader, replicas, isr, start, end }) => [
      `  ${partition}`,
      leader ?? "none",
      replicas.join(","),
      isr.join(","),
      ...(hasOffsets ? [start ?? "", end ?? ""] : []),
    ]),
  );
}
