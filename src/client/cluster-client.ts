/**
 * A cluster as a client sees it: bootstrap addresses, the brokers behind them, who leads which partition.
 *
 * @example
 * const cluster = new ClusterClient({ bootstrapServers: "127.0.0.1:9092" }, { platform });
 * const { brokers } = await cluster.metadata(null);
 * await cluster.request(DescribeCluster, body, { node: brokers[0].nodeId });
 * cluster.close();
 */
import { Metadata } from "../../protocol/apis/03-metadata.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { type Api, type RequestInputOf, type ResponseOf, type VersionRange, ZERO_UUID } from "../../protocol/schema.ts";
import { nullLogger } from "../logging/index.ts";
import type { Platform } from "../platform/platform.ts";
import { RpcClient, RpcError } from "../rpc/index.ts";
import { apiFailure, CliFailure, usageFailure } from "./failure.ts";
import { retry } from "./retry.ts";

export interface ClusterClientOptions {
  /** `host:port`, several separated by commas. */
  readonly bootstrapServers: string;
  readonly clientId?: string;
  /** How long one operation is tried for, attempts and pauses together. Default 15,000. */
  readonly timeoutMs?: number;
}

export interface ClusterClientModules {
  readonly platform: Platform;
}

export interface ClusterRequestOptions {
  /** A broker's id; any broker when left out. */
  readonly node?: number;
  /** Narrows the versions that may be used. */
  readonly versions?: Partial<VersionRange>;
  /** For this request alone: a long poll needs more. */
  readonly timeoutMs?: number;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type ClusterMetadata = ResponseOf<typeof Metadata>;
export type TopicMetadata = ClusterMetadata["topics"][number];

const DEFAULT_PORT = 9092;
const DEFAULT_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5_000;

export class ClusterClient {
  readonly platform: Platform;
  readonly timeoutMs: number;
  readonly #clientId: string;
  readonly #bootstrap: readonly Address[];
  readonly #addresses = new Map<number, Address>();
  /** By `host:port`: the bootstrap address and the advertised one are often the same. */
  readonly #clients = new Map<string, RpcClient>();
  #nextBootstrap = 0;

  constructor(options: ClusterClientOptions, { platform }: ClusterClientModules) {
    this.platform = platform;
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#clientId = options.clientId ?? "samsa-cli";
    this.#bootstrap = parseServers(options.bootstrapServers);
  }

  /** One attempt at one request. Rejects with {@link RpcError}. */
  async request<A extends Api>(
    api: A,
    body: RequestInputOf<A>,
    options: ClusterRequestOptions = {},
  ): Promise<ResponseOf<A>> {
    const client = options.node === undefined ? await this.#anyClient() : await this.#clientOf(options.node);
    const { versions, timeoutMs } = options;
    return client.request(api, body, { ...(versions ? { versions } : {}), ...(timeoutMs ? { timeoutMs } : {}) });
  }

  /** The newest version of an API that a broker (any, when left out) and we both speak. */
  async versionOf(api: Api, node?: number): Promise<number> {
    const client = node === undefined ? await this.#anyClient() : await this.#clientOf(node);
    return (await client.connection()).versionOf(api);
  }

  /** Sends a Produce request with acks=0: nothing comes back. */
  async sendOneWay<A extends Api>(
    api: A,
    body: RequestInputOf<A>,
    node: number,
    versions: Partial<VersionRange>,
  ): Promise<void> {
    const connection = await (await this.#clientOf(node)).connection();
    connection.sendOneWay(api, connection.versionOf(api, versions), body);
  }

  /**
   * Brokers and topics (null: all), as some broker knows them. Error codes inside are the caller's to look at. Remembers where brokers are.
   */
  async metadata(topics: readonly string[] | null, options: { create?: boolean } = {}): Promise<ClusterMetadata> {
    const response = await this.request(
      Metadata,
      {
        topics: topics?.map(name => ({ topicId: ZERO_UUID, name })) ?? null,
        allowAutoTopicCreation: options.create ?? false,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      },
      { versions: { min: 1 } },
    );
    for (const { nodeId, host, port } of response.brokers) this.#addresses.set(nodeId, { host, port });
    return response;
  }

  /** One topic with all its partitions, tried until it is there and each partition has a leader. Throws a failure when it stays away. */
  async topic(name: string, options: { create?: boolean } = {}): Promise<TopicMetadata> {
    try {
      return await this.retry(() => this.#findTopic(name, options));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw error.code === Errors.UNKNOWN_TOPIC_OR_PARTITION
        ? new UnknownTopicError(name)
        : apiFailure(`Cannot use topic ${name}`, error.code, error.message);
    }
  }

  /** Tries until this client's timeout; then throws the last error. */
  retry<T>(attempt: (remainingMs: number) => Promise<T>): Promise<T> {
    return retry(this.timeoutMs, this.platform, attempt);
  }

  /** What a person is to be told of an error that came out of this client: protocol errors and connection trouble become failures. */
  asFailure(error: unknown): unknown {
    if (error instanceof ApiError) return apiFailure("The cluster has refused this", error.code, error.message);
    return error instanceof RpcError ? this.#connectionFailure(error) : error;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #findTopic(name: string, options: { create?: boolean }): Promise<TopicMetadata> {
    const topic = (await this.metadata([name], options)).topics[0];
    if (topic === undefined) throw new ApiError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    // Without auto-creation, asking again does not bring the topic into being.
    if (topic.errorCode === Errors.UNKNOWN_TOPIC_OR_PARTITION && !options.create) throw new UnknownTopicError(name);
    if (topic.errorCode !== Errors.NONE) throw new ApiError(topic.errorCode);
    if (topic.partitions.some(({ leaderId }) => leaderId < 0)) throw new ApiError(Errors.LEADER_NOT_AVAILABLE);
    return topic;
  }

  /** A client whose connection works, bootstrap addresses tried in turn. */
  async #anyClient(): Promise<RpcClient> {
    let failure: unknown;
    for (let attempt = 0; attempt < this.#bootstrap.length; attempt++) {
      const client = this.#clientAt(this.#bootstrap[this.#nextBootstrap]!);
      try {
        await client.connection();
        return client;
      } catch (error) {
        failure = error;
        this.#nextBootstrap = (this.#nextBootstrap + 1) % this.#bootstrap.length;
      }
    }
    throw failure;
  }

  async #clientOf(node: number): Promise<RpcClient> {
    if (!this.#addresses.has(node)) await this.metadata([]);
    const address = this.#addresses.get(node);
    if (!address) throw new ApiError(Errors.BROKER_NOT_AVAILABLE, `The cluster has no live broker ${node}.`);
    return this.#clientAt(address);
  }

  #clientAt({ host, port }: Address): RpcClient {
    const key = `${host}:${port}`;
    let client = this.#clients.get(key);
    if (!client) {
      const options = {
        host,
        port,
        clientId: this.#clientId,
        softwareName: "samsa-cli",
        requestTimeoutMs: this.timeoutMs,
        connectTimeoutMs: Math.min(this.timeoutMs, CONNECT_TIMEOUT_MS),
      };
      client = new RpcClient(options, { platform: this.platform, logger: nullLogger });
      this.#clients.set(key, client);
    }
    return client;
  }

  #connectionFailure(error: RpcError): CliFailure {
    const servers = this.#bootstrap.map(({ host, port }) => `${host}:${port}`).join(", ");
    if (error.code !== "connect") return new CliFailure(`${error.message}.`, { cause: error });
    return new CliFailure(`Cannot reach the cluster at ${servers}: ${error.message}.`, {
      advice: "Is a broker running there? samsa start starts one; --bootstrap-server host:port names another.",
      cause: error,
    });
  }
}

/** The topic is not there, and waiting does not help. */
export class UnknownTopicError extends CliFailure {
  constructor(topic: string) {
    super(`There is no topic ${topic}.`, {
      advice: `samsa topics create ${topic} makes it; samsa topics list shows those there are.`,
    });
  }
}

/** Reads `host:port,host:port`; IPv6 addresses in brackets, 9092 when no port is given. Throws a usage failure. */
export function parseServers(text: string): Address[] {
  return text.split(",").map(part => {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]\s]+))(?::(\d{1,5}))?$/.exec(part.trim());
    const port = Number(match?.[3] ?? DEFAULT_PORT);
    if (!match || port > 65_535 || port === 0)
      throw usageFailure(`--bootstrap-server: ${part.trim() || "nothing"} is not of the form host:port.`);
    return { host: match[1] ?? match[2]!, port };
  });
}
