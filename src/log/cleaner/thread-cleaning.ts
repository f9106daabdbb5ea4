/** Runs cleanings in a thread of their own, so that the event loop only swaps in what comes of them. */
import { DiskError, type Thread, type Threads } from "../../platform/platform.ts";
import type { CleaningJob, CleaningResult } from "./clean-log.ts";
import type { CleaningHooks, CleaningRunner } from "./cleaning-runner.ts";
import type { FromThread, ToThread } from "./cleaning-thread.ts";
import { CleaningError } from "./segment-source.ts";

/** Sources run as they are, the published package as JavaScript. */
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const SCRIPT = new URL(`./cleaning-thread.${EXTENSION}`, import.meta.url);

/** The cleaning under way. */
interface Running {
  readonly hooks: CleaningHooks;
  readonly resolve: (result: CleaningResult | null) => void;
  readonly reject: (error: unknown) => void;
  /** Shared with the thread; one word: 1 once the cleaning is to end. */
  readonly cancelled: Int32Array;
}

export class ThreadCleaning implements CleaningRunner {
  readonly #threads: Threads;
  #thread: Thread | null = null;
  #running: Running | null = null;

  constructor(modules: { threads: Threads }) {
    this.#threads = modules.threads;
  }

  run(job: CleaningJob, hooks: CleaningHooks): Promise<CleaningResult | null> {
    this.#thread ??= this.#threads.start(SCRIPT, {
      received: message => this.#received(message as FromThread),
      ended: error => this.#ended(error),
    });
    const thread = this.#thread;
    const cancelled = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    return new Promise((resolve, reject) => {
      this.#running = { hooks, resolve, reject, cancelled };
      thread.keepAlive(true);
      thread.post({ job, bytesPerSecond: hooks.bytesPerSecond, cancelled } satisfies ToThread);
    });
  }

  /** Ends the thread. */
  rest(): void {
    this.#thread?.terminate();
    this.#thread = null;
  }

  #received(message: FromThread): void {
    const running = this.#running;
    if (running === null) return;
    try {
      if (message.kind === "done") this.#settle()?.resolve(message.result);
      else if (message.kind === "failed") this.#settle()?.reject(errorOf(message));
      else if (message.kind === "segment" ? !running.hooks.onSegment(message.segment) : running.hooks.isCancelled()) {
        Atomics.store(running.cancelled, 0, 1);
        Atomics.notify(running.cancelled, 0);
      }
    } catch (error) {
      // A swap went wrong: what the thread does from here on is of no use.
      this.rest();
      this.#settle()?.reject(error);
    }
  }

  #ended(error: Error): void {
    this.#thread = null;
    this.#settle()?.reject(error);
  }

  #settle(): Running | null {
    const running = this.#running;
    this.#running = null;
    this.#thread?.keepAlive(false);
    return running;
  }
}

/** Errors lose their class on the way between threads. */
function errorOf({ reason, disk }: Extract<FromThread, { kind: "failed" }>): Error {
  return disk === null ? new CleaningError(reason) : new DiskError(disk.code, disk.operation, disk.path);
}
