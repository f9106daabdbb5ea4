/** The offset index of a full segment in memory, against the same binary search with one `read` of the index file a probe. */
import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OffsetIndex } from "../../../../log/offset-index.ts";
import { bestNanoseconds, type LogBenchmark } from "./measurement.ts";

/** A segment of 1 GiB with an entry every 4 KiB. */
const ENTRY_COUNT = 262_144;
const ENTRY_SIZE_BYTES = 8;
const OFFSETS_PER_ENTRY = 40;
/** A look-up takes a tenth of a microsecond, one with reads a hundred times as long. */
const LOOKUPS_PER_OPERATION = 10;
const OPERATIONS_PER_FILE_LOOKUP = 5;

export const indexLookups: LogBenchmark = async ({ directory, operations }) => {
  const index = new OffsetIndex(0);
  for (let entry = 1; entry <= ENTRY_COUNT; entry++) index.append(entry * OFFSETS_PER_ENTRY, entry * 4096);
  const path = join(directory, "00000000000000000000.index");
  writeFileSync(path, index.encode());
  const offsetOf = (number: number): number => (number * 7919) % (ENTRY_COUNT * OFFSETS_PER_ENTRY);
  let sum = 0;
  const loaded = bestNanoseconds(operations * LOOKUPS_PER_OPERATION, number => {
    sum += index.positionFor(offsetOf(number));
  });
  const file = openSync(path, "r");
  let fileSum = 0;
  const probed = bestNanoseconds(Math.ceil(operations / OPERATIONS_PER_FILE_LOOKUP), number => {
    fileSum += positionInFile(file, offsetOf(number));
  });
  closeSync(file);
  if (sum === 0 || fileSum === 0) throw new Error("the look-ups found nothing");
  return [
    { name: "index look-ups, index in memory", value: 1e9 / loaded, unit: "/s", goal: null },
    { name: "index look-ups, one read a probe", value: 1e9 / probed, unit: "/s", goal: null },
    { name: "index in memory against one read a probe", value: probed / loaded, unit: "×", goal: 10 },
  ];
};

const entry = Buffer.alloc(ENTRY_SIZE_BYTES);

/** As {@link OffsetIndex.positionFor}, without holding the index. The file is in the page cache. */
function positionInFile(file: number, offset: number): number {
  let low = 0;
  let high = ENTRY_COUNT;
  let position = 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    readSync(file, entry, 0, ENTRY_SIZE_BYTES, middle * ENTRY_SIZE_BYTES);
    if (entry.readInt32BE(0) <= offset) {
      position = entry.readInt32BE(4);
      low = middle + 1;
    } else high = middle;
  }
  return position;
}
