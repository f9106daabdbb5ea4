/**
 * DescribeLogDirs (35): what lies in each log directory of this broker, and how much room there is (KIP-113).
 *
 * - v1: throttle time first. v2: flexible. v3: an error for the whole. v4: total and usable bytes (KIP-827). v5: cordoned directories (KIP-1066).
 */
import { DescribeLogDirs } from "../../protocol/apis/35-describe-log-dirs.ts";
import { Errors } from "../../protocol/errors.ts";
import type { RequestOf, ResponseInputOf } from "../../protocol/schema.ts";
import type { LogDirectory, PartitionLog } from "../log/index.ts";
import { CLUSTER_METADATA_TOPIC } from "../metadata/internal-topics.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";

type Asked = RequestOf<typeof DescribeLogDirs>["topics"];
type DirectoryResult = ResponseInputOf<typeof DescribeLogDirs>["results"][number];
type TopicResult = DirectoryResult["topics"][number];

export const describeLogDirs = handler(
  DescribeLogDirs,
  (request, context) => ({
    throttleTimeMs: 0,
    errorCode: Errors.NONE,
    results: context.logs.directories.map(directory => describe(directory, wanted(request.topics), context)),
  }),
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, results: [] }),
);

function describe(
  directory: LogDirectory,
  isWanted: (topic: string, partition: number) => boolean,
  context: HandlerContext,
): DirectoryResult {
  const { path } = directory;
  if (directory.offline) return { errorCode: Errors.KAFKA_STORAGE_ERROR, logDir: path, topics: [] };
  const { freeBytes, totalBytes } = context.services.disk.space(path);
  return {
    errorCode: Errors.NONE,
    logDir: path,
    topics: topicsIn(directory, isWanted, context),
    totalBytes,
    usableBytes: freeBytes,
    isCordoned: directory.isCordoned,
  };
}

function topicsIn(
  { logs, futureLogs }: LogDirectory,
  isWanted: (topic: string, partition: number) => boolean,
  context: HandlerContext,
): TopicResult[] {
  const byName = new Map<string, PartitionLog[]>();
  for (const log of logs) {
    const { topic, partition } = log.topicPartition;
    if (topic === CLUSTER_METADATA_TOPIC || !isWanted(topic, partition)) continue;
    const others = byName.get(topic);
    if (others === undefined) byName.set(topic, [log]);
    else others.push(log);
  }
  return [...byName].map(([name, partitions]) => ({
    name,
    partitions: partitions.map(log => ({
      partitionIndex: log.topicPartition.partition,
      partitionSize: log.sizeBytes,
      offsetLag: futureLogs.has(log) ? lagOf(log, context) : Math.max(0, log.highWatermark - log.logEndOffset),
      isFutureKey: futureLogs.has(log),
    })),
  }));
}

/** How far the copy of a replica that moves to another directory is behind the log that it is made from. */
function lagOf(future: PartitionLog, { logs }: HandlerContext): number {
  const { topic, partition } = future.topicPartition;
  const current = logs.get(topic, partition);
  return current === undefined ? 0 : Math.max(0, current.logEndOffset - future.logEndOffset);
}

/** Null asks for everything. */
function wanted(topics: Asked): (topic: string, partition: number) => boolean {
  if (topics === null) return () => true;
  const partitionsOf = new Map(topics.map(({ topic, partitions }) => [topic, new Set(partitions)]));
  return (topic, partition) => partitionsOf.get(topic)?.has(partition) ?? false;
}
