/**
 * A coordinator's topic: made on first use, and where its partitions are led.
 */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { BrokerConfig } from "../../config/index.ts";
import type { Logger } from "../../logging/logger.ts";
import type { Controller } from "../../metadata/controller/controller.ts";
import { type InternalTopicName, internalTopic } from "../../metadata/internal-topics.ts";
import type { MetadataStore } from "../../metadata/metadata-store.ts";
import { NO_LEADER } from "../../metadata/topics-image.ts";
import { coordinatorPartition } from "./java-hash.ts";

export interface CoordinatorTopicModules {
  readonly config: BrokerConfig;
  readonly metadata: MetadataStore;
  readonly controller: Pick<Controller, "createTopics">;
  readonly logger: Logger;
}

/** How long a client that looks for its coordinator waits for the topic. */
const CREATE_TIMEOUT_MS = 5_000;

export class CoordinatorTopic {
  readonly name: InternalTopicName;
  readonly #modules: CoordinatorTopicModules;
  /** The creation under way: many clients of a new cluster ask at once. */
  #creation: Promise<void> | null = null;

  constructor(name: InternalTopicName, modules: CoordinatorTopicModules) {
    this.name = name;
    this.#modules = modules;
  }

  /** Id of the broker that coordinates `key`; creates the topic if need be. Rejects with COORDINATOR_NOT_AVAILABLE when nobody does for now. */
  async coordinatorOf(key: string): Promise<number> {
    if (this.#topic() === undefined) await this.#create();
    const partitions = this.#topic()?.partitions ?? [];
    const partition = partitions[coordinatorPartition(key, partitions.length)];
    if (partition === undefined || partition.leader === NO_LEADER) throw new ApiError(Errors.COORDINATOR_NOT_AVAILABLE);
    return partition.leader;
  }

  #topic() {
    return this.#modules.metadata.image.topics.byName.get(this.name);
  }

  #create(): Promise<void> {
    this.#creation ??= this.#createNow().finally(() => {
      this.#creation = null;
    });
    return this.#creation;
  }

  async #createNow(): Promise<void> {
    const { config, metadata, controller, logger } = this.#modules;
    const topic = internalTopic(this.name, config, metadata.image.cluster.brokers.size);
    let errorCode: number;
    let message: string | null;
    try {
      const { topics } = await controller.createTopics({
        topics: [topic],
        timeoutMs: CREATE_TIMEOUT_MS,
        validateOnly: false,
      });
      errorCode = topics[0]!.errorCode;
      message = topics[0]!.errorMessage;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      errorCode = error.code;
      message = error.message;
    }
    if (errorCode === Errors.NONE || errorCode === Errors.TOPIC_ALREADY_EXISTS) return;
    logger.warn("coordinator.topic-not-created", { topic: this.name, errorCode, message });
    throw new ApiError(Errors.COORDINATOR_NOT_AVAILABLE, message ?? undefined);
  }
}
