/**
 * Keeps V8's nursery, where new objects live, from growing as large as it likes.
 *
 * It may take 128 MiB of a process that has done much in little time, and is slow to give any back; past some 16 MiB a half a broker gains
 * nothing from it (docs/performance.md). The limit itself is a flag that V8 reads before any of our code runs; how much the nursery grows at a
 * time is one that it reads each time.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import type { Timers } from "../platform/platform.ts";

/** Of both halves. */
const LIMIT_BYTES = 32 * 1024 * 1024;
/** Growing this far takes it seconds of work. */
const PERIOD_MS = 200;

/** Watches the nursery for the rest of the process' life. */
export function limitNursery(timers: Pick<Timers, "every">): void {
  let mayGrow = true;
  timers.every(PERIOD_MS, () => {
    const nursery = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    const hasRoom = nursery === undefined || nursery.space_size < LIMIT_BYTES;
    if (hasRoom === mayGrow) return;
    mayGrow = hasRoom;
    setFlagsFromString(`--semi-space-growth-factor=${hasRoom ? 2 : 1}`);
  });
}
