/** From batches to producer state: what appends note as they go, and what recovery and truncation replay. */
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  isControl,
  isTransactional,
  lastOffsetAt,
  maxTimestampAt,
  producerEpochAt,
  producerIdAt,
} from "../../protocol/records/batch.ts";
import { decodeControlRecord } from "../../protocol/records/control.ts";
import { RecordCursor } from "../../protocol/records/record.ts";
import { forEachBatch } from "./batch-walk.ts";
import type { EndTransactionMarker, ProducerBatch, ProducerState } from "./producer-state.ts";
import type { Segments } from "./segments.ts";
import type { AbortedTransaction } from "./transaction-index.ts";

/** The facts of the batch at `position` that producer state needs; it must have a producer id. */
export function producerBatchAt(buffer: Buffer, position: number): ProducerBatch {
  return {
    producerId: producerIdAt(buffer, position),
    producerEpoch: producerEpochAt(buffer, position),
    baseSequence: baseSequenceAt(buffer, position),
    baseOffset: baseOffsetAt(buffer, position),
    lastOffset: lastOffsetAt(buffer, position),
    maxTimestamp: maxTimestampAt(buffer, position),
    isTransactional: isTransactional(attributesAt(buffer, position)),
  };
}

const cursor = new RecordCursor();

/** The marker in the control batch at `position`; null when it is a control batch of another kind, or emptied by compaction. */
export function markerAt(buffer: Buffer, position: number): EndTransactionMarker | null {
  if (!cursor.open(buffer, position).next()) return null;
  const record = decodeControlRecord(cursor.key(), cursor.value());
  if (record.type !== "abort" && record.type !== "commit") return null;
  return {
    producerId: producerIdAt(buffer, position),
    producerEpoch: producerEpochAt(buffer, position),
    coordinatorEpoch: record.coordinatorEpoch,
    offset: cursor.offset,
    timestamp: cursor.timestamp,
    isCommit: record.type === "commit",
  };
}

/** Notes the batch at `position` in `state`. Returns the entry for the transaction index when it ends a transaction by abort. */
export function noteProducerBatch(state: ProducerState, buffer: Buffer, position: number): AbortedTransaction | null {
  if (producerIdAt(buffer, position) < 0) return null;
  if (!isControl(attributesAt(buffer, position))) {
    state.update(producerBatchAt(buffer, position));
    return null;
  }
  const marker = markerAt(buffer, position);
  return marker === null ? null : state.updateMarker(marker);
}

/** Replays the batches with offsets in [`from`, `to`) into `state`. */
export function replayProducers(state: ProducerState, segments: Segments, from: number, to: number): void {
  for (let index = Math.max(0, segments.indexFor(from)); index < segments.count; index += 1) {
    const segment = segments.at(index)!;
    if (segment.baseOffset >= to) return;
    if (segment.sizeBytes === 0) continue;
    forEachBatch(segment.file, segment.offsetIndex.positionFor(from), segment.sizeBytes, (buffer, position) => {
      if (baseOffsetAt(buffer, position) >= to) return false;
      if (lastOffsetAt(buffer, position) >= from) noteProducerBatch(state, buffer, position);
      return true;
    });
  }
}
