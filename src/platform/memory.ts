/**
 * The deterministic platform: virtual time, seeded chance, a disk and a network in memory.
 *
 * ```ts
 * const platform = createMemoryPlatform({ seed: 7 });
 * const broker = new Broker({ config }, platform);
 * await platform.time.complete(broker.start());
 * platform.disk.crash();
 * ```
 *
 * Several brokers of one simulation share `time` and `fabric` and have a disk each, see {@link createMemoryPlatform}'s `world`.
 */
import { MemoryDisk, type MemoryDiskOptions } from "./memory-disk.ts";
import { MemoryFabric, type MemoryFabricOptions } from "./memory-network.ts";
import { SeededRandom } from "./memory-random.ts";
import { SimulatedTime } from "./memory-time.ts";
import type { Network, Platform } from "./platform.ts";

export { MemoryDisk, type MemoryDiskOptions } from "./memory-disk.ts";
export { KEEP_ALL, LOSE_ALL, randomSurvival, type Survival } from "./memory-disk-crash.ts";
export type { DiskFault, DiskOperation } from "./memory-disk-fault.ts";
export { MemoryFabric, type MemoryFabricOptions } from "./memory-network.ts";
export { SeededRandom } from "./memory-random.ts";
export { SimulatedTime, type SimulatedTimeOptions } from "./memory-time.ts";

/** What all machines of one simulation share. */
export interface MemoryWorld {
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  readonly fabric: MemoryFabric;
}

export interface MemoryPlatform extends Platform {
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  readonly disk: MemoryDisk;
  readonly fabric: MemoryFabric;
  readonly network: Network;
}

export interface MemoryWorldOptions {
  readonly seed?: string | number;
  readonly startMs?: number;
  /** Let the seed order events of the same instant. Default false: the order they were made in. */
  readonly shuffle?: boolean;
  readonly network?: MemoryFabricOptions;
}

export function createMemoryWorld(options: MemoryWorldOptions = {}): MemoryWorld {
  const random = new SeededRandom(options.seed ?? 1);
  const order = (options.shuffle ?? false) ? { random: random.fork("order") } : {};
  const start = options.startMs === undefined ? {} : { startMs: options.startMs };
  const time = new SimulatedTime({ ...order, ...start });
  return { time, random, fabric: new MemoryFabric(options.network ?? {}, { timers: time }) };
}

/** One machine: of its own, or named `host` in a `world`. */
export function createMemoryPlatform(
  options: MemoryWorldOptions & { world?: MemoryWorld; host?: string; disk?: MemoryDiskOptions } = {},
): MemoryPlatform {
  const { time, random, fabric } = options.world ?? createMemoryWorld(options);
  const host = options.host ?? "localhost";
  return {
    time,
    clock: time,
    timers: time,
    random: random.fork(`machine ${host}`),
    disk: new MemoryDisk(options.disk, { clock: time, timers: time }),
    fabric,
    network: fabric.host(host),
  };
}
