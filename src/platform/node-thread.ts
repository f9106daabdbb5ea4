/** The inside of a thread that {@link Threads} started: what the script has of the machine, and its line to the one who started it. */
import { parentPort } from "node:worker_threads";
import { NodeDisk } from "./node-disk.ts";
import { NodeClock } from "./node-time.ts";
import type { Clock, Disk } from "./platform.ts";

export interface ThreadInside {
  readonly clock: Clock;
  readonly disk: Disk;
  /** Sends a message to {@link ThreadHandler.received}. */
  post(message: unknown): void;
  /** Calls `handle` with each message posted to the thread. */
  onMessage(handle: (message: unknown) => void): void;
}

/** Must be called in such a thread. */
export function threadInside(): ThreadInside {
  const port = parentPort;
  if (port === null) throw new Error("this is no thread");
  return {
    clock: new NodeClock(),
    disk: new NodeDisk(),
    post: message => port.postMessage(message),
    onMessage: handle => port.on("message", handle),
  };
}
