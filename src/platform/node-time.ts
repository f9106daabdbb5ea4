/** The system's clock and the event loop's timers. */
import type { Clock, Timer, Timers } from "./platform.ts";

export class NodeClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }
}

/** `setTimeout` turns longer delays into one millisecond; 24.8 days is as good as never for a broker's waits. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export class NodeTimers implements Timers {
  after(delayMs: number, callback: () => void): Timer {
    const timeout = setTimeout(callback, clampDelay(delayMs));
    timeout.unref();
    return { clear: () => clearTimeout(timeout) };
  }

  every(periodMs: number, callback: () => void): Timer {
    const interval = setInterval(callback, clampDelay(periodMs));
    interval.unref();
    return { clear: () => clearInterval(interval) };
  }

  endOfTick(callback: () => void): void {
    setImmediate(callback);
  }
}

function clampDelay(delayMs: number): number {
  return Math.min(Math.max(delayMs, 0), MAX_DELAY_MS);
}
