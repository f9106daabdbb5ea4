/** Trying again until a deadline. */
import { ApiError, errorInfo } from "../../protocol/errors.ts";
import type { Clock, Timers } from "../platform/platform.ts";
import { RpcError } from "../rpc/index.ts";

export interface RetryModules {
  readonly clock: Clock;
  readonly timers: Timers;
}

const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 1_000;

/**
 * Calls `attempt` until it succeeds, fails with an error that trying again cannot mend, or `timeoutMs` is over; then its last error is thrown.
 * The pause between attempts doubles from 50 ms to 1 s. `attempt` gets the time that is left.
 */
export async function retry<T>(
  timeoutMs: number,
  { clock, timers }: RetryModules,
  attempt: (remainingMs: number) => Promise<T>,
): Promise<T> {
  const deadlineMs = clock.monotonic() + timeoutMs;
  for (let backoffMs = FIRST_BACKOFF_MS; ; backoffMs = Math.min(2 * backoffMs, LONGEST_BACKOFF_MS)) {
    try {
      return await attempt(Math.max(1, deadlineMs - clock.monotonic()));
    } catch (error) {
      if (!isRetriable(error) || clock.monotonic() + backoffMs >= deadlineMs) throw error;
    }
    await sleep(backoffMs, timers);
  }
}

/** Whether a failure may be gone on the next attempt: connection trouble, and what the protocol calls retriable. */
export function isRetriable(error: unknown): boolean {
  if (error instanceof ApiError) return errorInfo(error.code).retriable;
  return error instanceof RpcError && error.code !== "unsupported" && error.code !== "malformed";
}

export function sleep(delayMs: number, timers: Timers): Promise<void> {
  return new Promise(resolve => timers.after(delayMs, resolve));
}
