/**
 * The real platform: the machine Node runs on.
 *
 * ```ts
 * const platform = createNodePlatform();
 * const broker = new Broker({ config }, platform);
 * ```
 *
 * Each part lives in its own file (`node-time.ts`, `node-random.ts`, `node-disk.ts`, `node-network.ts`, `node-threads.ts`) and can be taken alone.
 */
import { tmpdir } from "node:os";
import { NodeDisk } from "./node-disk.ts";
import { NodeNetwork, type NodeNetworkOptions } from "./node-network.ts";
import { NodeRandom } from "./node-random.ts";
import { NodeThreads } from "./node-threads.ts";
import { NodeClock, NodeTimers } from "./node-time.ts";
import type { Platform } from "./platform.ts";

export { NodeClock, NodeDisk, NodeNetwork, NodeRandom, NodeThreads, NodeTimers };

/** The platform of this process: system clock, event loop timers, system randomness, file system and TCP. */
export function createNodePlatform(options: { network?: NodeNetworkOptions } = {}): Platform {
  return {
    clock: new NodeClock(),
    timers: new NodeTimers(),
    random: new NodeRandom(),
    disk: new NodeDisk(),
    network: new NodeNetwork(options.network),
    threads: new NodeThreads(),
  };
}

/** Where this machine keeps what need not last. */
export function systemTemporaryDirectory(): string {
  return tmpdir();
}
