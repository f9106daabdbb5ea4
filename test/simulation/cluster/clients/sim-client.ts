/**
 * What all clients of a simulated cluster share: connections to its brokers, made when wanted, and what their metadata says of topics.
 *
 * Everything goes over the simulated network in the protocol's own bytes, in versions that the seed picks.
 */
import { Metadata } from "../../../../protocol/apis/03-metadata.ts";
import { Errors } from "../../../../protocol/errors.ts";
import type { Api, RequestInputOf, ResponseOf } from "../../../../protocol/schema.ts";
import { ZERO_UUID } from "../../../../protocol/schema.ts";
import { nullLogger } from "../../../../src/logging/index.ts";
import type { SeededRandom } from "../../../../src/platform/memory.ts";
import type { Platform } from "../../../../src/platform/platform.ts";
import { type RequestOptions, RpcClient, RpcError } from "../../../../src/rpc/index.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface SimClientOptions {
  readonly name: string;
  readonly bootstrap: readonly Address[];
  /** How long an answer is waited for. */
  readonly requestTimeoutMs: number;
}

export interface SimClientModules {
  readonly platform: Platform;
  readonly random: SeededRandom;
  readonly note: (what: string) => void;
}

export interface TopicView {
  readonly id: string;
  readonly partitions: readonly PartitionView[];
}

export interface PartitionView {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
}

/** Time between two looks at the metadata, however many ask. */
const REFRESH_EVERY_MS = 20;

export class SimClient {
  readonly options: SimClientOptions;
  readonly random: SeededRandom;
  readonly platform: Platform;
  readonly note: (what: string) => void;
  readonly #connections = new Map<string, RpcClient>();
  readonly #addresses = new Map<number, Address>();
  readonly topics = new Map<string, TopicView>();
  controllerId = -1;
  #refreshing: Promise<boolean> | null = null;

  constructor(options: SimClientOptions, modules: SimClientModules) {
    this.options = options;
    this.random = modules.random;
    this.platform = modules.platform;
    this.note = modules.note;
  }

  get name(): string {
    return this.options.name;
  }

  get nodeIds(): readonly number[] {
    return [...this.#addresses.keys()];
  }

  partition(topic: string, partition: number): PartitionView | null {
    return this.topics.get(topic)?.partitions[partition] ?? null;
  }

  sleep(ms: number): Promise<void> {
    return new Promise(resolve => this.platform.timers.after(ms, resolve));
  }

  /** To one broker. Rejects with `RpcError`. */
  async toNode<A extends Api>(
    nodeId: number,
    api: A,
    body: RequestInputOf<A>,
    options: RequestOptions = {},
  ): Promise<ResponseOf<A>> {
    const address = this.#addresses.get(nodeId);
    if (address === undefined) throw new RpcError("connect", `node ${nodeId} is not known`);
    return this.#connection(address).request(api, body, options);
  }

  /** To any broker. Rejects with `RpcError`. */
  async toAny<A extends Api>(api: A, body: RequestInputOf<A>, options: RequestOptions = {}): Promise<ResponseOf<A>> {
    return this.#connection(this.random.pick(this.options.bootstrap)).request(api, body, options);
  }

  /** Asks for all topics, unless that was done a moment ago. False when nobody answered. */
  refresh(): Promise<boolean> {
    if (this.#refreshing !== null) return this.#refreshing;
    const refreshing = this.#refresh().finally(() => {
      this.platform.timers.after(REFRESH_EVERY_MS, () => {
        if (this.#refreshing === refreshing) this.#refreshing = null;
      });
    });
    this.#refreshing = refreshing;
    return refreshing;
  }

  /** As {@link refresh}, and what is told is not older than the call. */
  async refreshAnew(): Promise<boolean> {
    await this.#refreshing;
    this.#refreshing = null;
    return this.refresh();
  }

  async #refresh(): Promise<boolean> {
    try {
      const response = await this.toAny(Metadata, {
        topics: null,
        allowAutoTopicCreation: false,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      });
      this.#learn(response);
      return true;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      this.note(`no metadata: ${error.message}`);
      return false;
    }
  }

  #learn(response: ResponseOf<typeof Metadata>): void {
    for (const { nodeId, host, port } of response.brokers) this.#addresses.set(nodeId, { host, port });
    this.controllerId = response.controllerId;
    const seen = new Set<string>();
    for (const { name, topicId, errorCode, partitions } of response.topics) {
      if (name === null || errorCode !== Errors.NONE) continue;
      seen.add(name);
      const known = this.topics.get(name);
      const views: PartitionView[] = [];
      for (const { partitionIndex, leaderId, leaderEpoch, isrNodes, replicaNodes } of partitions) {
        const before = known?.id === topicId ? known.partitions[partitionIndex] : undefined;
        // A broker that is behind tells of a leader that is no more (KIP-320).
        views[partitionIndex] =
          before !== undefined && leaderEpoch < before.leaderEpoch
            ? before
            : { leaderId, leaderEpoch, isr: isrNodes, replicas: replicaNodes };
      }
      this.topics.set(name, { id: topicId ?? ZERO_UUID, partitions: views });
    }
    for (const name of this.topics.keys()) if (!seen.has(name)) this.topics.delete(name);
  }

  #connection(address: Address): RpcClient {
    const key = `${address.host}:${address.port}`;
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = new RpcClient(
        {
          ...address,
          clientId: this.options.name,
          requestTimeoutMs: this.options.requestTimeoutMs,
          connectTimeoutMs: 1_000,
          reconnectBackoffMs: 20,
          reconnectBackoffMaxMs: 300,
        },
        { platform: this.platform, logger: nullLogger },
      );
      this.#connections.set(key, connection);
    }
    return connection;
  }
}
