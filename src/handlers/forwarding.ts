/**
 * Requests of clients that only the active controller can answer, and that any broker takes (KIP-590).
 *
 * Where the active controller is in this process, the handler runs here. Elsewhere the request goes on as it came, header and body, in an Envelope (58) with
 * who asked and from where, and the embedded answer is handed back. A controller that is none any more is no answer: the next one is asked, for as long as
 * the client has given the request.
 */
import { Envelope } from "../../protocol/apis/58-envelope.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { decodeResponse } from "../../protocol/frame.ts";
import { DefaultPrincipalData } from "../../protocol/internal/principal.ts";
import { encodeVersioned } from "../../protocol/internal/versioned.ts";
import type { Api, RequestOf, ResponseInputOf } from "../../protocol/schema.ts";
import { addressBytes } from "./address-bytes.ts";
import type { HandlerContext } from "./context.ts";
import type { ErrorResponse, Handler } from "./handler.ts";

/** A request that does not say how long it may take. */
const DEFAULT_TIMEOUT_MS = 30_000;
/** Clients give up before this, whatever they say. */
const MAX_TIMEOUT_MS = 30_000;
/** A request that gives no time at all is still given enough for one attempt. */
const MIN_TIMEOUT_MS = 1_000;

/**
 * A handler that runs where the active controller is. `handle` may take `context.controller` for granted. `check` runs first, on the broker that a client
 * has sent the request to, for what only that one knows; it throws `ApiError`.
 */
export function forwardedHandler<A extends Api>(
  api: A,
  handle: (request: RequestOf<A>, context: HandlerContext) => ResponseInputOf<A> | Promise<ResponseInputOf<A>>,
  errorResponse: ErrorResponse<A>,
  check?: (request: RequestOf<A>, context: HandlerContext) => void,
): Handler<A> {
  return {
    api,
    listeners: api.listeners,
    kind: "serial",
    isForwarded: true,
    handle: (request, context) => {
      if (isForHere(context)) return { accepted: undefined, response: handle(request, context) };
      check?.(request, context);
      return { accepted: undefined, response: answered(api, handle, request, context) };
    },
    errorResponse,
  };
}

/** On a controller's listener whoever asks looks for the active one itself. */
function isForHere({ connection }: HandlerContext): boolean {
  return connection.listenerRole === "controller";
}

async function answered<A extends Api>(
  api: A,
  handle: (request: RequestOf<A>, context: HandlerContext) => ResponseInputOf<A> | Promise<ResponseInputOf<A>>,
  request: RequestOf<A>,
  context: HandlerContext,
): Promise<ResponseInputOf<A>> {
  if (context.services.controller?.isActive === true) {
    try {
      return await handle(request, context);
    } catch (error) {
      const isActive = context.services.controller.isActive;
      if (!(error instanceof ApiError) || error.code !== Errors.NOT_CONTROLLER || isActive) throw error;
    }
  }
  return forward(api, request, context);
}

async function forward<A extends Api>(
  api: A,
  request: RequestOf<A>,
  context: HandlerContext,
): Promise<ResponseInputOf<A>> {
  const { services, requestBytes, principal, connection } = context;
  if (requestBytes === null) throw new Error(`the bytes of a ${api.name} request were not kept`);
  const principalData = { type: principal.type, name: principal.name, tokenAuthenticated: false };
  const envelope = {
    requestData: requestBytes,
    requestPrincipal: encodeVersioned(DefaultPrincipalData, 0, principalData),
    clientHostAddress: addressBytes(connection.remoteHost),
  };
  const timeoutMs = timeoutOf(request);
  const { errorCode, responseData } = await services.channel.request(Envelope, envelope, { timeoutMs });
  if (errorCode !== Errors.NONE || responseData === null) throw new ApiError(refusalOf(errorCode));
  return decodeResponse(api, context.apiVersion, responseData).body as unknown as ResponseInputOf<A>;
}

function timeoutOf(request: object): number {
  const { timeoutMs } = request as { timeoutMs?: unknown };
  if (typeof timeoutMs !== "number") return DEFAULT_TIMEOUT_MS;
  return Math.min(Math.max(timeoutMs, MIN_TIMEOUT_MS), MAX_TIMEOUT_MS);
}

/** What goes wrong between broker and controller is none of the client's business, versions aside, as in Kafka. */
function refusalOf(errorCode: number): number {
  return errorCode === Errors.UNSUPPORTED_VERSION ? errorCode : Errors.UNKNOWN_SERVER_ERROR;
}
