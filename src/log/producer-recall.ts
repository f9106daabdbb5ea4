/**
 * What a snapshot does not tell of a producer: the batches before its last one, as many as the window for repeats has room for. They stand in the
 * log, and are looked for only when a producer sends a sequence that is neither due nor known – a repeat, perhaps, of what it had in flight when
 * the broker stopped.
 */
import { attributesAt, baseOffsetAt, isControl, producerEpochAt, producerIdAt } from "../../protocol/records/batch.ts";
import { DiskError } from "../platform/platform.ts";
import { forEachBatch } from "./batch-walk.ts";
import { producerBatchAt } from "./producer-replay.ts";
import { DEDUPLICATION_WINDOW, type ProducerEntry, type RememberedBatch, rememberedBatch } from "./producer-state.ts";
import type { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";

/** Read at a time, from the newest to the oldest. */
const STEP_BYTES = 256 * 1024;
/** What is further back than this is not looked for: five batches of the largest usual size, or many smaller ones of many producers. */
const LONGEST_WAY_BYTES = 8 * 1024 * 1024;

/** Fills the window of `entry` from the log, once. Returns whether it learned of any batch. */
export function recallBatches(entry: ProducerEntry, segments: Segments): boolean {
  const oldest = entry.batches[0];
  if (!entry.mayHaveOlder || oldest === undefined) return false;
  entry.mayHaveOlder = false;
  const limitOffset = oldest.lastOffset - oldest.offsetDelta;
  const wanted = DEDUPLICATION_WINDOW - entry.batches.length;
  const last = segments.indexFor(limitOffset);
  const found: RememberedBatch[] = [];
  let leftBytes = LONGEST_WAY_BYTES;
  try {
    for (let index = last; index >= 0 && found.length < wanted && leftBytes > 0; index -= 1) {
      const segment = segments.at(index)!;
      let to = segment.sizeBytes;
      let from = index === last ? segment.offsetIndex.positionFor(limitOffset) : to;
      while (to > 0 && found.length < wanted && leftBytes > 0) {
        const begin = segment.offsetIndex.floorPosition(Math.max(0, from - STEP_BYTES));
        leftBytes -= from - begin;
        from = begin;
        const batches = batchesIn(segment, from, to, entry, limitOffset);
        found.unshift(...batches.slice(-(wanted - found.length)));
        to = from;
      }
    }
  } catch (error) {
    // The producer is refused, as if nothing had been found.
    if (!(error instanceof DiskError)) throw error;
  }
  entry.batches = [...found, ...entry.batches];
  return found.length > 0;
}

/** The producer's batches in [`from`, `to`) of the file, below `limitOffset`. */
function batchesIn(
  segment: Segment,
  from: number,
  to: number,
  { producerId, epoch }: ProducerEntry,
  limitOffset: number,
): RememberedBatch[] {
  const found: RememberedBatch[] = [];
  forEachBatch(segment.file, from, to, (buffer, position) => {
    if (baseOffsetAt(buffer, position) >= limitOffset) return false;
    const isOwn = producerIdAt(buffer, position) === producerId && producerEpochAt(buffer, position) === epoch;
    if (isOwn && !isControl(attributesAt(buffer, position)))
      found.push(rememberedBatch(producerBatchAt(buffer, position)));
    return true;
  });
  return found;
}
