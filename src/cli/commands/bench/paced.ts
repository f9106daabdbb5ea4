/** Calls at an even rate. */

import { sleep } from "../../../client/retry.ts";
import type { Platform } from "../../../platform/platform.ts";

/**
 * Calls `call` for 0 to `count` - 1, `perSecond` times a second counted from the start (0: as fast as it goes), with the time at which the call
 * was due. What cannot be done in time is done late, so that a latency counted from then hides nothing. Ends early at `signal`.
 */
export async function paced(
  options: { readonly count: number; readonly perSecond: number; readonly signal: AbortSignal },
  platform: Pick<Platform, "clock" | "timers">,
  call: (index: number, dueMs: number) => Promise<void>,
): Promise<void> {
  const { count, perSecond, signal } = options;
  const startedMs = platform.clock.monotonic();
  for (let index = 0; index < count && !signal.aborted; index++) {
    const nowMs = platform.clock.monotonic();
    if (perSecond === 0) {
      await call(index, nowMs);
      continue;
    }
    const dueMs = startedMs + (index * 1000) / perSecond;
    if (dueMs > nowMs) await sleep(dueMs - nowMs, platform.timers);
    await call(index, dueMs);
  }
}
