/**
 * What an API handler is, and the two ways to make one.
 *
 * ```ts
 * export const heartbeat = handler(
 *   Heartbeat,
 *   async (request, context) => ({ throttleTimeMs: 0, errorCode: await context.groups.heartbeat(request) }),
 *   (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
 * );
 * ```
 *
 * The dispatcher decodes the request, calls the handler and encodes its answer for the version of the request. A handler that throws an
 * {@link ApiError} is answered with the API's own error shape, any other error with UNKNOWN_SERVER_ERROR in that shape and a logged stack.
 */
import type { Api, Listener, RequestOf, ResponseInputOf } from "../../protocol/schema.ts";
import type { HandlerContext } from "./context.ts";

/**
 * An answer in two stages. The connection starts its next request when `accepted` is done, and the reply may follow later; replies leave in the
 * order of the requests all the same. A pipelining client so keeps several requests going where the order of their *effects* is settled early.
 */
export interface Staged<Response> {
  /** Settles when the effects of the request are ordered; `undefined` when they already are. */
  readonly accepted: Promise<void> | undefined;
  /** The reply; `null` when the protocol has none (Produce with acks=0). */
  readonly response: Response | null | Promise<Response | null>;
  /** Memory that bytes of the reply lie in; released once it is sent, or never will be. */
  readonly memory?: ReplyMemory | undefined;
}

/** Memory lent to a reply. */
export interface ReplyMemory {
  /** Called once, when nobody looks at it any more. */
  release(): void;
}

/** Makes the whole answer to `request` when handling it failed with `errorCode`. */
export type ErrorResponse<A extends Api> = (
  request: RequestOf<A>,
  errorCode: number,
  errorMessage: string,
  context: HandlerContext,
) => ResponseInputOf<A>;

export interface HandlerOptions {
  /** Where it is served, when that is less than where Kafka serves the API. */
  readonly listeners?: readonly Listener[];
}

/** A handler as the dispatcher sees it, whatever its API. */
export interface Handler<A extends Api = Api> {
  readonly api: A;
  readonly listeners: readonly Listener[];
  /**
   * `serial`: the connection's next request waits for this one's reply, as in Kafka. `ordered`: it waits only for {@link Staged.accepted}, and the
   * part of `handle` before its first `await` runs while `request` may still point into the connection's receive buffer
   * ({@link HandlerContext.ownsRequestBytes}).
   */
  readonly kind: "serial" | "ordered";
  /** Whether only the active controller answers: any broker takes the request, and passes it on as it came (see `forwarding.ts`). */
  readonly isForwarded?: boolean;
  handle(request: RequestOf<A>, context: HandlerContext): Staged<ResponseInputOf<A>>;
  errorResponse(
    request: RequestOf<A>,
    errorCode: number,
    errorMessage: string,
    context: HandlerContext,
  ): ResponseInputOf<A>;
}

/** A handler that answers in one stage. Slices in `request` stay valid for good. */
export function handler<A extends Api>(
  api: A,
  handle: (request: RequestOf<A>, context: HandlerContext) => ResponseInputOf<A> | Promise<ResponseInputOf<A>>,
  errorResponse: ErrorResponse<A>,
  options: HandlerOptions = {},
): Handler<A> {
  return {
    api,
    listeners: options.listeners ?? api.listeners,
    kind: "serial",
    handle: (request, context) => ({ accepted: undefined, response: handle(request, context) }),
    errorResponse,
  };
}

/** A handler whose connection may go on before its reply is ready: Produce and Fetch. */
export function orderedHandler<A extends Api>(
  api: A,
  handle: (request: RequestOf<A>, context: HandlerContext) => Staged<ResponseInputOf<A>>,
  errorResponse: ErrorResponse<A>,
  options: HandlerOptions = {},
): Handler<A> {
  return { api, listeners: options.listeners ?? api.listeners, kind: "ordered", handle, errorResponse };
}

/** Thrown or rejected by a handler whose only possible answer is to close the connection (Produce with acks=0 that failed). */
export class CloseConnectionError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "CloseConnectionError";
  }
}
