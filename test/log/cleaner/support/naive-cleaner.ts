/**
 * What a cleaning has to leave, worked out the slow way: over decoded batches, looking at all of them for each record. It shares nothing with the
 * cleaner but the rules.
 */
import { type DecodedBatch, type DecodedRecord, decodeControlRecord } from "../../../../protocol/records/index.ts";
import type { CleaningJob } from "../../../../src/log/cleaner/index.ts";

export interface NaiveOutcome {
  readonly batches: DecodedBatch[];
  /** Where the next cleaning starts. */
  readonly endOffset: number;
}

/**
 * @param batches all of the log, as it is before
 * @param capacity keys that the cleaner may remember in one go
 */
export function naiveClean(job: CleaningJob, batches: readonly DecodedBatch[], capacity: number): NaiveOutcome {
  const inRange = batches.filter(batch => batch.baseOffset < job.endOffset);
  const latest = latestOffsets(job, batches, inRange, capacity);
  const segmentStarts = [...job.segments.map(segment => segment.baseOffset), job.endOffset];
  const touchedEnd = segmentStarts.find(start => start > latest.lastOffset)!;
  const kept: DecodedBatch[] = [];
  for (const batch of inRange) {
    if (batch.baseOffset >= touchedEnd) {
      kept.push(batch);
      continue;
    }
    const cleaned = cleanBatch(job, batches, batch, latest);
    if (cleaned !== null) kept.push(cleaned);
  }
  return {
    batches: [...kept, ...batches.filter(batch => batch.baseOffset >= job.endOffset)],
    endOffset: latest.lastOffset + 1,
  };
}

interface Latest {
  readonly offsets: ReadonlyMap<string, number>;
  readonly lastOffset: number;
}

function latestOffsets(
  job: CleaningJob,
  all: readonly DecodedBatch[],
  inRange: readonly DecodedBatch[],
  capacity: number,
): Latest {
  const offsets = new Map<string, number>();
  const starts = [...job.segments.map(segment => segment.baseOffset), job.endOffset];
  const firstDirtyStart = starts.findLast(start => start <= job.firstDirtyOffset) ?? starts[0]!;
  let lastOffset = -1;
  for (const batch of inRange) {
    if (batch.lastOffset < job.firstDirtyOffset) continue;
    // Segments end where the next one begins, whatever their last batch holds.
    const start = starts.findLast(each => each <= batch.baseOffset)!;
    if (start > firstDirtyStart) lastOffset = Math.max(lastOffset, start - 1);
    if (!batch.control && fateOf(all, batch) !== "abort") {
      for (const record of batch.records) {
        if (record.key === null || record.offset < job.firstDirtyOffset) continue;
        if (offsets.size >= capacity) return { offsets, lastOffset };
        offsets.set(record.key.toString("hex"), record.offset);
        lastOffset = record.offset;
      }
    }
    lastOffset = batch.lastOffset;
  }
  return { offsets, lastOffset: job.endOffset - 1 };
}

function cleanBatch(
  job: CleaningJob,
  all: readonly DecodedBatch[],
  batch: DecodedBatch,
  latest: Latest,
): DecodedBatch | null {
  const horizonMs = batch.deleteHorizonMs;
  const isMarkerOfNothing = batch.control && marksNothing(all, batch);
  let records: DecodedRecord[];
  if (batch.control) {
    records = isMarkerOfNothing && horizonMs !== undefined && horizonMs <= job.nowMs ? [] : batch.records;
  } else if (fateOf(all, batch) === "abort") {
    records = [];
  } else {
    records = batch.records.filter(record => {
      if (record.offset > latest.lastOffset) return true;
      if (record.key === null) return false;
      if (record.value === null && horizonMs !== undefined && job.nowMs >= horizonMs) return false;
      return (latest.offsets.get(record.key.toString("hex")) ?? -1) <= record.offset;
    });
  }
  if (records.length === 0) return mustStay(job, batch, latest) ? asEmpty(batch) : null;
  const beginsHorizon =
    horizonMs === undefined && (batch.control ? isMarkerOfNothing : records.some(record => record.value === null));
  const newHorizonMs = beginsHorizon ? job.nowMs + job.deleteRetentionMs : horizonMs;
  const isAppendTime = batch.timestampType === "LogAppendTime";
  const cleaned: DecodedBatch = {
    ...batch,
    records,
    recordCount: records.length,
    maxTimestamp: isAppendTime ? batch.maxTimestamp : Math.max(...records.map(record => record.timestamp)),
  };
  if (newHorizonMs !== undefined) cleaned.deleteHorizonMs = newHorizonMs;
  return cleaned;
}

/** Whether the batch stays even without records. */
function mustStay(job: CleaningJob, batch: DecodedBatch, latest: Latest): boolean {
  if (batch.lastOffset === latest.lastOffset) return true;
  const last = job.lastProducerBatches.find(({ producerId }) => producerId === batch.producerId);
  if (last === undefined) return false;
  return last.lastDataOffset >= 0
    ? last.lastDataOffset === batch.lastOffset
    : batch.control && batch.producerEpoch === last.epoch;
}

function asEmpty(batch: DecodedBatch): DecodedBatch {
  const { deleteHorizonMs: _gone, ...rest } = batch;
  return { ...rest, records: [], recordCount: 0, codec: "none" };
}

/** How the transaction ends that a batch of data belongs to. */
function fateOf(all: readonly DecodedBatch[], batch: DecodedBatch): "abort" | "commit" | "open" | "none" {
  if (!batch.transactional || batch.control) return "none";
  for (const later of all) {
    if (later.baseOffset <= batch.baseOffset || !later.control || later.producerId !== batch.producerId) continue;
    const kind = markerOf(later);
    if (kind !== null) return kind;
  }
  return "open";
}

/** Whether no batch is left of the transaction that a marker ends. */
function marksNothing(all: readonly DecodedBatch[], marker: DecodedBatch): boolean {
  if (markerOf(marker) === null) return true;
  const earlier = all.filter(batch => batch.baseOffset < marker.baseOffset && batch.producerId === marker.producerId);
  const previousMarker = earlier.findLastIndex(batch => batch.control && markerOf(batch) !== null);
  return !earlier.slice(previousMarker + 1).some(batch => batch.transactional && !batch.control);
}

function markerOf(batch: DecodedBatch): "abort" | "commit" | null {
  const record = batch.records[0];
  if (record === undefined) return null;
  const { type } = decodeControlRecord(record.key, record.value);
  return type === "abort" || type === "commit" ? type : null;
}

/** What of a batch is to be compared: all but what follows from compression. */
export function factsOf(batch: DecodedBatch): unknown {
  const { sizeBytes: _size, crc: _crc, baseTimestamp: _base, ...facts } = batch;
  return {
    ...facts,
    records: batch.records.map(({ offset, timestamp, key, value, headers, sequence }) => ({
      ...{ offset, timestamp, sequence },
      key: key?.toString("hex"),
      value: value?.toString("hex"),
      headers: headers.map(header => `${header.key}=${header.value?.toString("hex")}`),
    })),
  };
}
