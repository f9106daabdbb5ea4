/** Sleeps from one due time to the next, more exactly than timers do, and tells its parent of each. */
import { parentPort, workerData } from "node:worker_threads";
import type { PacerThreadData, PacerThreadStart } from "./pacer.ts";

const { periodMs } = workerData as PacerThreadData;
const never = new Int32Array(new SharedArrayBuffer(4));

parentPort!.once("message", (firstMs: PacerThreadStart) => {
  for (let count = 0; ; ) {
    const waitMs = firstMs + count * periodMs - (performance.timeOrigin + performance.now());
    if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs);
    parentPort!.postMessage(null);
    // What was slept through is caught up with by one message.
    count = Math.max(count + 1, Math.ceil((performance.timeOrigin + performance.now() - firstMs) / periodMs));
  }
});
