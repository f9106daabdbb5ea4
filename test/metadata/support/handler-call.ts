/** Calls a handler as a client would: the request goes through its codec, and so does the answer, in the version of the call. */
import { decoderOf, encoderOf } from "../../../protocol/compile.ts";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { Reader } from "../../../protocol/reader.ts";
import type { Api, Message, RequestInputOf, RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import { Writer } from "../../../protocol/writer.ts";
import {
  ANONYMOUS,
  type BrokerServices,
  type ConnectionFacts,
  HandlerContext,
  type ListenerRole,
} from "../../../src/handlers/context.ts";
import type { Handler } from "../../../src/handlers/handler.ts";
import { CLUSTER_ID, type ControllerFixture } from "./controller-fixture.ts";

export interface CallOptions {
  readonly listenerName?: string;
  readonly listenerRole?: ListenerRole;
  /** Whether this broker is; it is not by default. */
  readonly isCutOff?: boolean;
  /** None are by default. */
  readonly missingBrokers?: BrokerServices["missingBrokers"];
}

/** Answers `request` in `version`; an `ApiError` of the handler becomes the API's own error answer, as in the dispatcher. */
export async function call<A extends Api>(
  fixture: ControllerFixture,
  handler: Handler<A>,
  version: number,
  request: RequestInputOf<A>,
  options: CallOptions = {},
): Promise<ResponseOf<A>> {
  const decoded = through(handler.api.request, version, request) as RequestOf<A>;
  const context = contextOf(fixture, handler.api, version, options);
  let response: object;
  try {
    response = (await fixture.complete(Promise.resolve(handler.handle(decoded, context).response))) as object;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    response = handler.errorResponse(decoded, error.code ?? Errors.UNKNOWN_SERVER_ERROR, error.message, context);
  }
  return through(handler.api.response, version, response) as ResponseOf<A>;
}

/** Encodes and decodes a value. */
export function through(message: Message, version: number, value: unknown): unknown {
  const writer = new Writer();
  encoderOf(message, version)(writer, value as never);
  const reader = new Reader(Buffer.concat(writer.finish()));
  const decoded = decoderOf(message, version)(reader);
  reader.expectEnd();
  return decoded;
}

function contextOf(fixture: ControllerFixture, api: Api, apiVersion: number, options: CallOptions): HandlerContext {
  const services: Partial<BrokerServices> = {
    nodeId: 1,
    clusterId: CLUSTER_ID,
    config: fixture.config,
    metadata: fixture.store,
    controller: fixture.controller,
    topics: fixture.controller,
    producerIds: fixture.producerIds,
    isCutOff: () => options.isCutOff ?? false,
    missingBrokers: options.missingBrokers ?? { decided: () => null },
    controllerId: () => fixture.controller.leaderId,
    clock: fixture.time,
    timers: fixture.time,
    logger: fixture.logger,
  };
  const connection: ConnectionFacts = {
    id: 1,
    listenerName: options.listenerName ?? "PLAINTEXT",
    listenerRole: options.listenerRole ?? "broker",
    securityProtocol: "PLAINTEXT",
    remoteHost: "127.0.0.1",
    remotePort: 40_000,
    localHost: "127.0.0.1",
    localPort: 9092,
    principal: ANONYMOUS,
    clientSoftwareName: "",
    clientSoftwareVersion: "",
    isClosed: false,
    brokerId: -1,
    onClosed: null,
  };
  const request = { apiKey: api.key, apiVersion, correlationId: 1, clientId: "test" };
  return new HandlerContext(services as BrokerServices, connection, request, true);
}
