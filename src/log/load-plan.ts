/**
 * From the files of a partition's directory to what has to be done with them: a pure function, so that every state a crash can leave is a row in a
 * test.
 */
import {
  OFFSET_INDEX_SUFFIX,
  parseSegmentFileName,
  SWAP_SUFFIX,
  TEMPORARY_SUFFIX,
  TIME_INDEX_SUFFIX,
} from "./file-names.ts";

export interface FoundFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Of a `.log.swap` file: the offset after its last batch. */
  readonly endOffset?: number;
}

export interface PlannedSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly hasTransactionIndex: boolean;
  /** Its batches must be read and checked: they may not have been durable. */
  readonly recover: boolean;
  /** An index file is missing. */
  readonly rebuildIndexes: boolean;
}

export interface LoadPlan {
  /** Files to remove first: left-overs of deletions, swaps and atomic writes, indexes without a log, segments that a swapped one replaces. */
  readonly remove: readonly string[];
  /** Left-overs of cleanings, to remove once those removals are durable: they tell that a swap had not begun. */
  readonly removeLast: readonly string[];
  /** Cleaned segments whose swap a crash interrupted: to be completed once all removals are durable. */
  readonly rename: readonly { readonly from: string; readonly to: string }[];
  /** Rising in base offset; empty for a new log. */
  readonly segments: readonly PlannedSegment[];
  /** Offsets of producer snapshots. */
  readonly snapshots: readonly number[];
}

export interface LoadPlanOptions {
  /** The last stop was clean: nothing needs to be checked. */
  readonly isClean: boolean;
  /** After an unclean stop, the segment that holds it and all later ones are recovered. */
  readonly recoveryPoint: number;
}

export function planLoad(files: readonly FoundFile[], options: LoadPlanOptions): LoadPlan {
  const remove: string[] = [];
  const removeLast: string[] = [];
  const rename: { from: string; to: string }[] = [];
  const live = new Map<string, FoundFile>();
  const snapshots: number[] = [];
  const cleaned = files.map(file => parseSegmentFileName(file.name)).filter(name => name?.state === "cleaned");
  // The swap began for the segments below the first that is still being cleaned; from there on the old files stay in force.
  const firstCleaned = Math.min(...cleaned.map(name => name!.offset), Number.POSITIVE_INFINITY);
  const replaced = replacedOffsets(files, firstCleaned);
  for (const file of files) {
    const name = parseSegmentFileName(file.name);
    if (name === null) {
      if (file.name.endsWith(TEMPORARY_SUFFIX)) remove.push(file.name);
    } else if (name.state === "live") {
      if (name.kind === "snapshot") snapshots.push(name.offset);
      else if (name.offset >= replaced.from && name.offset < replaced.to) remove.push(file.name);
      else live.set(file.name, file);
    } else if (name.state === "cleaned") {
      removeLast.push(file.name);
    } else if (name.state === "swap" && name.offset < firstCleaned) {
      const to = file.name.slice(0, -SWAP_SUFFIX.length);
      rename.push({ from: file.name, to });
    } else {
      remove.push(file.name);
    }
  }
  for (const { from, to } of rename) live.set(to, { ...files.find(file => file.name === from)!, name: to });

  const logs = [...live.values()].filter(file => parseSegmentFileName(file.name)!.kind === "log");
  const offsets = logs.map(file => parseSegmentFileName(file.name)!.offset).sort((a, b) => a - b);
  const known = new Set(offsets);
  for (const file of live.values()) {
    if (!known.has(parseSegmentFileName(file.name)!.offset)) remove.push(file.name);
  }
  // A recovery point that is the very beginning of a segment was the end of the active one before it, whose indexes were in memory only.
  const firstRecovered = options.isClean
    ? Number.POSITIVE_INFINITY
    : Math.max(...offsets.filter(offset => offset < options.recoveryPoint), offsets[0] ?? 0);
  const segments = offsets.map(baseOffset => {
    const prefix = baseOffset.toString().padStart(20, "0");
    const log = live.get(`${prefix}.log`)!;
    return {
      baseOffset,
      sizeBytes: log.sizeBytes,
      modifiedMs: log.modifiedMs,
      hasTransactionIndex: live.has(`${prefix}.txnindex`),
      recover: baseOffset >= firstRecovered,
      rebuildIndexes: !live.has(prefix + OFFSET_INDEX_SUFFIX) || !live.has(prefix + TIME_INDEX_SUFFIX),
    };
  });
  return { remove: remove.sort(), removeLast, rename, segments, snapshots: snapshots.sort((a, b) => a - b) };
}

/** The offsets that swapped segments cover: whatever else stands there was to be removed when the crash came. */
function replacedOffsets(files: readonly FoundFile[], firstCleaned: number): { from: number; to: number } {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const file of files) {
    const name = parseSegmentFileName(file.name);
    if (name?.state !== "swap" || name.kind !== "log" || name.offset >= firstCleaned) continue;
    from = Math.min(from, name.offset);
    to = Math.max(to, name.offset + 1, file.endOffset ?? 0);
  }
  return { from, to };
}
