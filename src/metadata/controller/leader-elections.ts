/**
 * Elections that an operator asks for (ElectLeaders, KIP-183 and KIP-460): the preferred replica where another leads, or, at the price of
 * data, any replica where none in sync is left.
 */
import type { ElectLeaders } from "../../../protocol/apis/43-elect-leaders.ts";
import { ApiError, Errors, errorMessage } from "../../../protocol/errors.ts";
import type { RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { MetadataImage } from "../image.ts";
import type { MetadataRecord } from "../records.ts";
import { NO_LEADER } from "../topics-image.ts";
import { type ItemError, itemError, type Operation, tooManyRecords } from "./operation.ts";
import { PartitionChanger } from "./partition-rules.ts";

type ElectRequest = RequestOf<typeof ElectLeaders>;
type ElectResponse = ResponseOf<typeof ElectLeaders>;
type TopicResult = ElectResponse["replicaElectionResults"][number];

/** `electionType` of ElectLeaders. */
export const ElectionType = { PREFERRED: 0, UNCLEAN: 1 } as const;

/**
 * Decides ElectLeaders: each partition for itself. Null topics stand for all, of which those with the right leader already go unmentioned.
 * Throws `ApiError` INVALID_REQUEST for an unknown type, POLICY_VIOLATION when the request takes too many records.
 */
export function electLeadersOperation(
  { electionType, topicPartitions }: ElectRequest,
  { config }: { readonly config: BrokerConfig },
): Operation<ElectResponse> {
  const maxRecords = config.get("samsa.controller.operation.records.max");
  return {
    name: "elect-leaders",
    decide(image) {
      if (electionType !== ElectionType.PREFERRED && electionType !== ElectionType.UNCLEAN) {
        throw new ApiError(Errors.INVALID_REQUEST, `Unknown election type ${electionType}`);
      }
      const changer = new PartitionChanger(image, config);
      const records: MetadataRecord[] = [];
      const results: TopicResult[] = [];
      // A partition that is named twice has its leader by then.
      const elected = new Set<string>();
      for (const { topic, partitions } of topicPartitions ?? allPartitions(image)) {
        const result: TopicResult = { topic, partitionResult: [] };
        results.push(result);
        for (const partitionId of partitions) {
          const outcome = elected.has(`${topic}-${partitionId}`)
            ? electionNotNeeded
            : electOne(topic, partitionId, electionType, changer);
          if (topicPartitions === null && outcome === electionNotNeeded) continue;
          if ("errorCode" in outcome) {
            result.partitionResult.push({ partitionId, ...outcome });
            continue;
          }
          records.push(outcome);
          elected.add(`${topic}-${partitionId}`);
          result.partitionResult.push({ partitionId, errorCode: Errors.NONE, errorMessage: null });
          if (records.length > maxRecords) throw tooManyRecords(maxRecords);
        }
      }
      return { records, response: { throttleTimeMs: 0, errorCode: Errors.NONE, replicaElectionResults: results } };
    },
  };
}

function* allPartitions(image: MetadataImage): Iterable<{ topic: string; partitions: number[] }> {
  for (const { name, partitions } of image.topics.byName.values()) {
    yield { topic: name, partitions: partitions.map(({ partition }) => partition) };
  }
}

const electionNotNeeded = itemError(Errors.ELECTION_NOT_NEEDED, errorMessage(Errors.ELECTION_NOT_NEEDED));

function electOne(
  topicName: string,
  index: number,
  type: number,
  changer: PartitionChanger,
): MetadataRecord | ItemError {
  const topic = changer.image.topics.byName.get(topicName);
  if (topic === undefined) return itemError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${topicName}`);
  const partition = topic.partitions[index];
  if (partition === undefined) {
    return itemError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${topicName}-${index}`);
  }
  const isPreferred = type === ElectionType.PREFERRED;
  const isNeeded = isPreferred ? partition.leader !== partition.replicas[0] : partition.leader === NO_LEADER;
  if (!isNeeded) return electionNotNeeded;
  const change = changer.change(topic, index, { election: isPreferred ? "preferred" : "unclean" });
  if (change !== null) return change;
  const errorCode = isPreferred ? Errors.PREFERRED_LEADER_NOT_AVAILABLE : Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE;
  return itemError(errorCode, errorMessage(errorCode));
}
