/** A request that can only be answered by closing its connection, and why. */
export class RefusedRequestError extends Error {
  /** `malformed`: it could not be decoded. `refused`: an API or version that is not served here. `failed`: a fault of the broker. */
  readonly reason: "malformed" | "refused" | "failed";

  constructor(reason: "malformed" | "refused" | "failed", message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = "RefusedRequestError";
    this.reason = reason;
  }
}

/** What to log of an error that nobody expected: its cause's stack if it has one. */
export function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.stack ?? error.cause.message}` : "";
  return cause === "" ? (error.stack ?? error.message) : `${error.message}${cause}`;
}
