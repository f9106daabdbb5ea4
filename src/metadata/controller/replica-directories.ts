/**
 * AssignReplicasToDirs: a broker tells in which of its log directories replicas are (KIP-858). One that is in a directory that is offline is out
 * of sync.
 */
import type { AssignReplicasToDirs } from "../../../protocol/apis/73-assign-replicas-to-dirs.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { BrokerRegistration } from "../cluster-image.ts";
import { MetadataVersion, metadataVersionOf } from "../features.ts";
import type { MetadataImage } from "../image.ts";
import type { MetadataRecord } from "../records.ts";
import { checkBrokerEpoch } from "./brokers.ts";
import { type Operation, tooManyRecords } from "./operation.ts";
import { without } from "./partition-change.ts";
import { isOnline, PartitionChanger } from "./partition-rules.ts";

type AssignRequest = RequestOf<typeof AssignReplicasToDirs>;
type AssignResponse = ResponseOf<typeof AssignReplicasToDirs>;

/**
 * Decides AssignReplicasToDirs: each partition for itself; of two directories for one the first holds.
 * Throws `ApiError` STALE_BROKER_EPOCH, UNSUPPORTED_VERSION, POLICY_VIOLATION.
 */
export function assignReplicasToDirs(
  request: AssignRequest,
  { config }: { readonly config: BrokerConfig },
): Operation<AssignResponse> {
  const maxRecords = config.get("samsa.controller.operation.records.max");
  return {
    name: "assign-replicas-to-dirs",
    decide(image) {
      checkSupported(image);
      const broker = checkBrokerEpoch(image, request.brokerId, request.brokerEpoch);
      const assigner = new Assigner(broker, new PartitionChanger(image, config));
      const directories = request.directories.map(({ id, topics }) => ({
        id,
        topics: topics.map(({ topicId, partitions }) => ({
          topicId,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: assigner.assign(id, topicId, partitionIndex),
          })),
        })),
      }));
      if (assigner.records.length > maxRecords) throw tooManyRecords(maxRecords);
      return { records: assigner.records, response: { throttleTimeMs: 0, errorCode: Errors.NONE, directories } };
    },
  };
}

function checkSupported(image: MetadataImage): void {
  if (metadataVersionOf(image) >= MetadataVersion.DIRECTORY_ASSIGNMENT) return;
  throw new ApiError(Errors.UNSUPPORTED_VERSION, "Directory assignment is not supported yet.");
}

class Assigner {
  readonly records: MetadataRecord[] = [];
  readonly #broker: BrokerRegistration;
  readonly #changer: PartitionChanger;
  readonly #assigned = new Set<string>();

  constructor(broker: BrokerRegistration, changer: PartitionChanger) {
    this.#broker = broker;
    this.#changer = changer;
  }

  /** Returns an error code. */
  assign(directory: string, topicId: string, number: number): number {
    const topic = this.#changer.image.topics.byId.get(topicId);
    if (topic === undefined) return Errors.UNKNOWN_TOPIC_ID;
    const partition = topic.partitions[number];
    if (partition === undefined) return Errors.UNKNOWN_TOPIC_OR_PARTITION;
    const { id } = this.#broker;
    if (!partition.replicas.includes(id)) return Errors.NOT_LEADER_OR_FOLLOWER;
    const key = `${topicId}:${number}`;
    if (this.#assigned.has(key)) return Errors.INVALID_REQUEST;
    this.#assigned.add(key);
    const change = this.#changer.change(topic, number, {
      directories: new Map([[id, directory]]),
      ...(isOnline(directory, this.#broker.logDirs) ? {} : { isr: without(partition.isr, [id]) }),
    });
    if (change !== null) this.records.push(change);
    return Errors.NONE;
  }
}
