/**
 * AlterReplicaLogDirs (34): moves replicas of this broker to other log directories (KIP-113). The answer tells which moves have begun; DescribeLogDirs
 * shows how far they are.
 *
 * - v1: throttle time first. v2: flexible.
 */
import { AlterReplicaLogDirs } from "../../protocol/apis/34-alter-replica-log-dirs.ts";
import { handler } from "./handler.ts";

interface PartitionResult {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

export const alterReplicaLogDirs = handler(
  AlterReplicaLogDirs,
  (request, { replicas }) => {
    const byTopic = new Map<string, PartitionResult[]>();
    for (const { path, topics } of request.dirs) {
      for (const { name, partitions } of topics) {
        const results = byTopic.get(name) ?? [];
        byTopic.set(name, results);
        for (const partitionIndex of partitions)
          results.push({ partitionIndex, errorCode: replicas.alterLogDirectory(name, partitionIndex, path) });
      }
    }
    return answer(byTopic);
  },
  (request, errorCode) => {
    const topics = request.dirs.flatMap(dir => dir.topics);
    const byName = Map.groupBy(topics, ({ name }) => name);
    return answer(
      [...byName].map(([name, asked]) => [
        name,
        asked.flatMap(({ partitions }) => partitions.map(partitionIndex => ({ partitionIndex, errorCode }))),
      ]),
    );
  },
);

function answer(results: Iterable<readonly [string, readonly PartitionResult[]]>) {
  return {
    throttleTimeMs: 0,
    results: [...results].map(([topicName, partitions]) => ({ topicName, partitions: [...partitions] })),
  };
}
