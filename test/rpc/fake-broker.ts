/** A listener that answers Kafka requests as a test tells it to. */

import { type DecodedRequestHeader, decodeRequest, decodeRequestHeader } from "../../protocol/frame.ts";
import { ApiVersions, apiByKey, encodeResponse, MalformedError, Reader } from "../../protocol/index.ts";
import type { Api } from "../../protocol/schema.ts";
import type { Connection, Listener, Network } from "../../src/platform/platform.ts";
import { FrameReceiver } from "../../src/rpc/frame-receiver.ts";

export interface FakeRequest {
  readonly header: DecodedRequestHeader;
  readonly body: Record<string, unknown>;
  readonly connection: Connection;
  reply(body: object): void;
}

export class FakeBroker {
  readonly requests: FakeRequest[] = [];
  readonly connections: Connection[] = [];
  /** What ApiVersions tells; apis that are not in it are unknown. */
  versions: [api: Api, min: number, max: number][] = [[ApiVersions, 0, 4]];
  /** Answers all but ApiVersions. */
  onRequest: (request: FakeRequest) => void = () => {};
  /** Answers ApiVersions when set. */
  onApiVersions: ((request: FakeRequest) => void) | null = null;
  listener!: Listener;

  static async start(network: Network, host: string, port: number): Promise<FakeBroker> {
    const broker = new FakeBroker();
    broker.listener = await network.listen({ host, port }, connection => broker.#accept(connection));
    return broker;
  }

  /** The requests but those for versions. */
  get received(): FakeRequest[] {
    return this.requests.filter(({ header }) => header.apiKey !== ApiVersions.key);
  }

  #accept(connection: Connection): void {
    this.connections.push(connection);
    const receiver = new FrameReceiver(1 << 20, frame => this.#frame(connection, frame));
    connection.start({
      buffer: () => receiver.buffer(),
      received: sizeBytes => receiver.received(sizeBytes),
      drained() {},
      closed() {},
    });
  }

  #frame(connection: Connection, frame: Buffer): void {
    const reader = new Reader(frame);
    const header = decodeRequestHeader(reader);
    const api = apiByKey(header.apiKey);
    if (api === undefined) throw new MalformedError(`API ${header.apiKey}`);
    const body = decodeRequest(api, header.apiVersion, reader) as Record<string, unknown>;
    const reply = (response: object): void => {
      connection.write(encodeResponse(api, header.apiVersion, header.correlationId, response as never));
    };
    const request: FakeRequest = { header, body, connection, reply };
    this.requests.push(request);
    if (api.key !== ApiVersions.key) this.onRequest(request);
    else if (this.onApiVersions !== null) this.onApiVersions(request);
    else reply(this.apiVersionsResponse());
  }

  apiVersionsResponse(errorCode = 0): object {
    const apiKeys = this.versions.map(([{ key }, minVersion, maxVersion]) => ({ apiKey: key, minVersion, maxVersion }));
    return { errorCode, apiKeys, throttleTimeMs: 0, supportedFeatures: [], finalizedFeatures: [] };
  }
}
