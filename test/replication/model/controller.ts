/**
 * A controller for one partition that keeps the rules and nothing else: fences brokers, elects from the ISR, decides about proposed ISRs.
 *
 * It is one object outside of all faults; what is lost and late is what brokers hear of it.
 */

import type { AlterPartition } from "../../../protocol/apis/56-alter-partition.ts";
import { Errors } from "../../../protocol/errors.ts";
import type { RequestInputOf, ResponseOf } from "../../../protocol/schema.ts";
import { NO_LEADER, type PartitionImage } from "../../../src/metadata/topics-image.ts";

export interface ModelBroker {
  readonly id: number;
  readonly epoch: number;
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
}

/** What the controller has decided so far; never changed. */
export interface ModelImage {
  readonly partition: PartitionImage;
  readonly brokers: ReadonlyMap<number, ModelBroker>;
}

export class ModelController {
  #image: ModelImage;
  #nextBrokerEpoch = 100;
  readonly #onImage: (image: ModelImage) => void;

  constructor(options: { replicas: readonly number[]; onImage: (image: ModelImage) => void }) {
    this.#onImage = options.onImage;
    const { replicas } = options;
    this.#image = {
      partition: {
        partition: 0,
        replicas,
        directories: replicas.map(() => "AAAAAAAAAAAAAAAAAAAAAA"),
        isr: replicas,
        removingReplicas: [],
        addingReplicas: [],
        eligibleLeaderReplicas: [],
        lastKnownElr: [],
        leader: NO_LEADER,
        leaderRecoveryState: 0,
        leaderEpoch: 0,
        partitionEpoch: 0,
      },
      brokers: new Map(),
    };
  }

  get image(): ModelImage {
    return this.#image;
  }

  /** A process of the broker registers: it is fenced, and whatever it led is led no more. */
  register(id: number): number {
    const epoch = this.#nextBrokerEpoch++;
    this.#setBroker({ id, epoch, fenced: true, inControlledShutdown: false });
    this.#leave(id);
    return epoch;
  }

  fence(id: number): void {
    const broker = this.#image.brokers.get(id);
    if (broker === undefined || broker.fenced) return;
    this.#setBroker({ ...broker, fenced: true });
    this.#leave(id);
  }

  unfence(id: number): void {
    const broker = this.#image.brokers.get(id);
    if (broker === undefined || !broker.fenced) return;
    this.#setBroker({ ...broker, fenced: false });
    if (this.#image.partition.leader === NO_LEADER) this.#elect(this.#electable());
  }

  /** Gives the leadership to another member of the ISR. */
  moveLeader(pick: (ids: readonly number[]) => number): void {
    const others = this.#electable().filter(id => id !== this.#image.partition.leader);
    if (others.length > 0) this.#elect([pick(others)]);
  }

  alterPartition(request: RequestInputOf<typeof AlterPartition>): ResponseOf<typeof AlterPartition> {
    const broker = this.#image.brokers.get(request.brokerId);
    if (broker?.epoch !== request.brokerEpoch)
      return { throttleTimeMs: 0, errorCode: Errors.STALE_BROKER_EPOCH, topics: [] };
    const [topic] = request.topics;
    const [asked] = topic!.partitions;
    const members = asked!.newIsrWithEpochs;
    const errorCode = this.#check(request.brokerId, asked!, members);
    if (errorCode === Errors.NONE) this.#change({ isr: members.map(({ brokerId }) => brokerId) }, false);
    const { leader, leaderEpoch, isr, partitionEpoch } = this.#image.partition;
    const known = { leaderId: leader, leaderEpoch, isr: [...isr], leaderRecoveryState: 0, partitionEpoch };
    const none = { leaderId: 0, leaderEpoch: 0, isr: [], leaderRecoveryState: 0, partitionEpoch: 0 };
    const answer = { partitionIndex: 0, errorCode, ...(errorCode === Errors.NONE ? known : none) };
    return {
      throttleTimeMs: 0,
      errorCode: Errors.NONE,
      topics: [{ topicId: topic!.topicId, partitions: [answer] }],
    };
  }

  #check(
    brokerId: number,
    asked: { leaderEpoch: number; partitionEpoch: number },
    members: readonly { brokerId: number; brokerEpoch?: number }[],
  ): number {
    const { leader, leaderEpoch, partitionEpoch } = this.#image.partition;
    if (asked.leaderEpoch > leaderEpoch || asked.partitionEpoch > partitionEpoch) return Errors.NOT_CONTROLLER;
    if (asked.leaderEpoch < leaderEpoch) return Errors.FENCED_LEADER_EPOCH;
    if (brokerId !== leader) return Errors.INVALID_REQUEST;
    if (asked.partitionEpoch < partitionEpoch) return Errors.INVALID_UPDATE_VERSION;
    for (const member of members) {
      const broker = this.#image.brokers.get(member.brokerId);
      const epoch = member.brokerEpoch ?? -1;
      if (broker === undefined || broker.fenced || (epoch >= 0 && epoch !== broker.epoch))
        return Errors.INELIGIBLE_REPLICA;
    }
    return Errors.NONE;
  }

  #electable(): number[] {
    return this.#image.partition.isr.filter(id => this.#image.brokers.get(id)?.fenced === false);
  }

  /** A broker may neither lead nor be in sync any more, but for the last in sync: nobody else has everything. */
  #leave(id: number): void {
    const { isr, leader } = this.#image.partition;
    const rest = isr.filter(other => other !== id);
    if (rest.length > 0 && rest.length < isr.length) this.#change({ isr: rest }, false);
    if (leader === id) this.#elect(this.#electable().filter(other => other !== id));
  }

  #elect([leader = NO_LEADER]: readonly number[]): void {
    this.#change({ leader }, true);
  }

  #change(change: Partial<PartitionImage>, isElection: boolean): void {
    const before = this.#image.partition;
    const leaderEpoch = before.leaderEpoch + (isElection ? 1 : 0);
    this.#publish({
      ...this.#image,
      partition: { ...before, ...change, leaderEpoch, partitionEpoch: before.partitionEpoch + 1 },
    });
  }

  #setBroker(broker: ModelBroker): void {
    this.#publish({ ...this.#image, brokers: new Map(this.#image.brokers).set(broker.id, broker) });
  }

  #publish(image: ModelImage): void {
    this.#image = image;
    this.#onImage(image);
  }
}
