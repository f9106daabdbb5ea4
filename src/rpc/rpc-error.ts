/** Why a request to another broker brought no answer. An answer that holds an error code is an answer. */

/**
 * - `connect`: no connection could be made, or it closed before it was of use.
 * - `closed`: the connection closed after the request was handed over; whether the other side acted on it is unknown.
 * - `timeout`: no answer in time; unknown as well.
 * - `overloaded`: too many requests are waiting already; this one was not sent.
 * - `unsupported`: the two sides have no version of the API in common; not sent.
 * - `malformed`: the answer could not be decoded.
 */
export type RpcErrorCode = "connect" | "closed" | "timeout" | "overloaded" | "unsupported" | "malformed";

export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: RpcErrorCode;

  constructor(code: RpcErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** Whether the other side surely did nothing, so that sending again can do no harm. */
  get isUnsent(): boolean {
    return this.code === "connect" || this.code === "overloaded" || this.code === "unsupported";
  }
}
