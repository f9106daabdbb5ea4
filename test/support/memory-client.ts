/** A client on a memory platform, in virtual time. */
import { Produce } from "../../protocol/apis/00-produce.ts";
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { CreateTopics } from "../../protocol/apis/19-create-topics.ts";
import { nullLogger } from "../../src/logging/index.ts";
import type { MemoryPlatform } from "../../src/platform/memory.ts";
import { RpcConnection } from "../../src/rpc/index.ts";
import { fetchRequest, type ProduceResult, produceRequest, valuesOf } from "./broker.ts";

export class MemoryClient {
  readonly #connection: RpcConnection;

  private constructor(connection: RpcConnection) {
    this.#connection = connection;
  }

  static async connect(platform: MemoryPlatform, port: number): Promise<MemoryClient> {
    const connection = new RpcConnection(
      { host: "localhost", port, clientId: "test" },
      { platform, logger: nullLogger },
    );
    await platform.time.complete(connection.connect());
    await platform.time.complete(connection.negotiate());
    return new MemoryClient(connection);
  }

  async createTopic(name: string, numPartitions: number): Promise<void> {
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
    const { topics } = await this.#connection.request(CreateTopics, { topics: [topic], timeoutMs: 1000 });
    if (topics[0]?.errorCode !== 0) throw new Error(`${topics[0]?.errorCode}`);
  }

  async produce(topic: string, partition: number, records: Buffer): Promise<ProduceResult> {
    const request = produceRequest({ topic, partition }, records);
    const response = await this.#connection.send(Produce, 12, request);
    return response.responses[0]!.partitionResponses[0]!;
  }

  async values(topic: string, partition: number): Promise<string[]> {
    const response = await this.#connection.send(Fetch, 12, fetchRequest([{ topic, partition }]));
    return valuesOf(response.responses[0]!.partitions[0]!.records);
  }
}
