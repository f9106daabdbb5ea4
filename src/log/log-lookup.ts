/** Finding records by timestamp: the time index leads near, the batches and their records give the answer. */
import {
  attributesAt,
  baseOffsetAt,
  lastOffsetAt,
  maxTimestampAt,
  timestampTypeOf,
} from "../../protocol/records/batch.ts";
import { RecordCursor } from "../../protocol/records/record.ts";
import { forEachBatch } from "./batch-walk.ts";
import type { LeaderEpochs } from "./leader-epochs.ts";
import type { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";

export interface TimestampAndOffset {
  readonly timestamp: number;
  readonly offset: number;
  /** -1 when not known. */
  readonly leaderEpoch: number;
}

const cursor = new RecordCursor();

/** The first record with offset at least `startOffset` and a timestamp of at least `timestamp`. */
export function findTimestamp(
  segments: Segments,
  epochs: LeaderEpochs,
  startOffset: number,
  timestamp: number,
): TimestampAndOffset | null {
  for (let index = Math.max(0, segments.indexFor(startOffset)); index < segments.count; index += 1) {
    const segment = segments.at(index)!;
    if (segment.sizeBytes === 0 || segment.maxTimestamp < timestamp) continue;
    const found = findInSegment(
      segment,
      Math.max(startOffset, segment.timeIndex.offsetFor(timestamp)),
      startOffset,
      timestamp,
    );
    if (found !== null) return { ...found, leaderEpoch: epochs.epochFor(found.offset) };
  }
  return null;
}

/** The first record with the largest timestamp of the log; null when no record has a timestamp. */
export function findMaxTimestamp(
  segments: Segments,
  epochs: LeaderEpochs,
  startOffset: number,
): TimestampAndOffset | null {
  let newest: Segment | null = null;
  for (const segment of segments.all()) {
    if (segment.sizeBytes > 0 && (newest === null || segment.maxTimestamp > newest.maxTimestamp)) newest = segment;
  }
  if (newest === null || newest.maxTimestamp < 0) return null;
  const found = findInSegment(newest, newest.offsetOfMaxTimestamp, startOffset, newest.maxTimestamp);
  return found === null ? null : { ...found, leaderEpoch: epochs.epochFor(found.offset) };
}

function findInSegment(
  segment: Segment,
  fromOffset: number,
  startOffset: number,
  timestamp: number,
): { timestamp: number; offset: number } | null {
  let found: { timestamp: number; offset: number } | null = null;
  forEachBatch(segment.file, segment.offsetIndex.positionFor(fromOffset), segment.sizeBytes, (buffer, position) => {
    if (lastOffsetAt(buffer, position) < startOffset || maxTimestampAt(buffer, position) < timestamp) return true;
    found = findInBatch(buffer, position, startOffset, timestamp);
    return found === null;
  });
  return found;
}

function findInBatch(
  buffer: Buffer,
  position: number,
  startOffset: number,
  timestamp: number,
): { timestamp: number; offset: number } | null {
  if (timestampTypeOf(attributesAt(buffer, position)) === "LogAppendTime") {
    return {
      timestamp: maxTimestampAt(buffer, position),
      offset: Math.max(startOffset, baseOffsetAt(buffer, position)),
    };
  }
  cursor.open(buffer, position);
  while (cursor.next()) {
    if (cursor.timestamp >= timestamp && cursor.offset >= startOffset) {
      return { timestamp: cursor.timestamp, offset: cursor.offset };
    }
  }
  return null;
}

/** Where to cut a segment so that nothing at or above `offset` is left: the file position, and the offset at which the log then ends. */
export function placeOf(segment: Segment, offset: number): { position: number; endOffset: number } {
  let place = { position: segment.sizeBytes, endOffset: offset };
  const from = segment.offsetIndex.positionFor(offset);
  forEachBatch(segment.file, from, segment.sizeBytes, (buffer, position, _sizeBytes, filePosition) => {
    if (lastOffsetAt(buffer, position) < offset) return true;
    // A batch is cut whole, even when it begins below.
    place = { position: filePosition, endOffset: Math.min(offset, baseOffsetAt(buffer, position)) };
    return false;
  });
  return place;
}
