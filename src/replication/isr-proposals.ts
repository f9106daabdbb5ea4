/**
 * Takes proposed ISRs to the controller (AlterPartition): all of a tick in one request, one request at a time.
 *
 * A proposal is sent again, just as it was made, until the controller has said something definite about it: the epochs in it are those of what the
 * leader had seen when it decided, and a later look would mix what belongs to different times (KIP-903).
 */
import { AlterPartition } from "../../protocol/apis/56-alter-partition.ts";
import { ApiError, Errors, errorName } from "../../protocol/errors.ts";
import type { RequestInputOf, ResponseOf } from "../../protocol/schema.ts";
import type { Logger } from "../logging/index.ts";
import type { ControllerChannel } from "../metadata/controller-channel.ts";
import type { Timer, Timers } from "../platform/platform.ts";
import { type IsrAnswer, type IsrProposal, isDefinite } from "./leader-role.ts";

export interface IsrProposalsOptions {
  readonly nodeId: number;
  /** Longest wait for the controller, before the same is sent again. */
  readonly requestTimeoutMs: number;
}

export interface IsrProposalsModules {
  readonly channel: Pick<ControllerChannel, "request">;
  /** The epoch of this broker's process; -1 while it is not registered. */
  readonly brokerEpoch: () => number;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** The partition that a proposal is about. */
export interface ProposingPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
}

interface Waiting {
  readonly partition: ProposingPartition;
  readonly proposal: IsrProposal;
  readonly answered: (answer: IsrAnswer) => void;
}

type Response = ResponseOf<typeof AlterPartition>;

/** As Kafka's. */
const RETRY_BACKOFF_MS = 50;
const RECOVERED = 0;

export class IsrProposals {
  readonly #options: IsrProposalsOptions;
  readonly #modules: IsrProposalsModules;
  /** By topic id and partition: a newer leadership's proposal takes the place of an older one's. */
  #waiting = new Map<string, Waiting>();
  #isScheduled = false;
  #isInFlight = false;
  #retry: Timer | null = null;
  #isClosed = false;

  constructor(options: IsrProposalsOptions, modules: IsrProposalsModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** `answered` is called once with something definite, unless the partition proposes something else before. */
  propose(partition: ProposingPartition, proposal: IsrProposal, answered: (answer: IsrAnswer) => void): void {
    if (this.#isClosed) return;
    this.#waiting.set(keyOf(partition.topicId, partition.index), { partition, proposal, answered });
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.clear();
    this.#retry?.clear();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isInFlight || this.#retry !== null) return;
    this.#isScheduled = true;
    this.#modules.timers.endOfTick(() => {
      this.#isScheduled = false;
      if (!this.#isClosed && this.#waiting.size > 0) this.#send();
    });
  }

  #send(): void {
    const sent = this.#waiting;
    this.#waiting = new Map();
    this.#isInFlight = true;
    const { channel } = this.#modules;
    const body = requestOf(sent.values(), this.#options.nodeId, this.#modules.brokerEpoch());
    channel.request(AlterPartition, body, { timeoutMs: this.#options.requestTimeoutMs, versions: { min: 3 } }).then(
      response => this.#done(sent, response),
      error => this.#done(sent, null, error),
    );
  }

  #done(sent: ReadonlyMap<string, Waiting>, response: Response | null, error?: unknown): void {
    this.#isInFlight = false;
    if (this.#isClosed) return;
    const answers = response?.errorCode === Errors.NONE ? answersOf(response) : null;
    if (answers === null) this.#failed(response, error);
    let isAnyLeft = false;
    for (const [key, waiting] of sent) {
      const answer = answers?.get(key);
      if (answer !== undefined && isDefinite(answer.errorCode)) {
        this.#log(waiting, answer);
        waiting.answered(answer);
      } else if (!this.#waiting.has(key)) {
        this.#waiting.set(key, waiting);
        isAnyLeft = true;
      }
    }
    if (isAnyLeft) this.#retryLater();
    else if (this.#waiting.size > 0) this.#schedule();
  }

  #retryLater(): void {
    this.#retry = this.#modules.timers.after(RETRY_BACKOFF_MS, () => {
      this.#retry = null;
      this.#schedule();
    });
  }

  #failed(response: Response | null, error: unknown): void {
    if (response === null && !(error instanceof ApiError)) throw error;
    const reason = response === null ? (error as ApiError).message : errorName(response.errorCode);
    this.#modules.logger.warn("isr.request-failed", { reason });
  }

  #log({ partition, proposal }: Waiting, { errorCode }: IsrAnswer): void {
    if (errorCode === Errors.NONE) return;
    this.#modules.logger.info("isr.proposal-refused", {
      partition: `${partition.topic}-${partition.index}`,
      error: errorName(errorCode),
      proposed: proposal.isr.map(({ brokerId }) => brokerId),
    });
  }
}

function requestOf(
  waiting: Iterable<Waiting>,
  brokerId: number,
  brokerEpoch: number,
): RequestInputOf<typeof AlterPartition> {
  const topics = [...Map.groupBy(waiting, ({ partition }) => partition.topicId)];
  return {
    brokerId,
    brokerEpoch,
    topics: topics.map(([topicId, partitions]) => ({
      topicId,
      partitions: partitions.map(({ partition, proposal }) => ({
        partitionIndex: partition.index,
        leaderEpoch: proposal.leaderEpoch,
        partitionEpoch: proposal.partitionEpoch,
        leaderRecoveryState: RECOVERED,
        newIsr: [],
        newIsrWithEpochs: proposal.isr.map(member => ({ ...member })),
      })),
    })),
  };
}

function answersOf(response: Response): Map<string, IsrAnswer> {
  const answers = new Map<string, IsrAnswer>();
  for (const { topicId, partitions } of response.topics) {
    for (const { partitionIndex, errorCode, leaderEpoch, partitionEpoch, isr } of partitions) {
      answers.set(keyOf(topicId, partitionIndex), { errorCode, leaderEpoch, partitionEpoch, isr });
    }
  }
  return answers;
}

function keyOf(topicId: string, index: number): string {
  return `${topicId}:${index}`;
}
