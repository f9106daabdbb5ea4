/** Worker threads of Node. */
import { Worker } from "node:worker_threads";
import type { Thread, ThreadHandler, Threads } from "./platform.ts";

export class NodeThreads implements Threads {
  start(script: URL, handler: ThreadHandler): Thread {
    const worker = new Worker(script);
    let hasEnded = false;
    const end = (error: Error): void => {
      if (hasEnded) return;
      hasEnded = true;
      handler.ended(error);
    };
    worker.on("message", message => handler.received(message));
    worker.on("error", error => end(error instanceof Error ? error : new Error(String(error))));
    worker.on("exit", code => end(new Error(`the thread ended with code ${code}`)));
    worker.unref();
    return {
      post: message => worker.postMessage(message),
      keepAlive: isWanted => (isWanted ? worker.ref() : worker.unref()),
      terminate: () => {
        hasEnded = true;
        void worker.terminate();
      },
    };
  }
}
