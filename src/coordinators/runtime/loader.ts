/**
 * Replays a coordinator's partition into a state: everything below the high watermark, transactions included.
 */
import { errorName } from "../../../protocol/errors.ts";
import {
  attributesAt,
  batchSizeAt,
  isControl,
  isTransactional,
  lastOffsetAt,
  producerIdAt,
} from "../../../protocol/records/batch.ts";
import { decodeControlRecord } from "../../../protocol/records/control.ts";
import { forEachRecord } from "../../../protocol/records/record.ts";
import type { ReadOutcome } from "../../log/log-reader.ts";
import type { Logger } from "../../logging/logger.ts";
import { type CoordinatorCodec, type CoordinatorState, NOT_TRANSACTIONAL } from "./coordinator-state.ts";

export interface LoaderModules<Rec> {
  readonly codec: CoordinatorCodec<Rec>;
  readonly logger: Logger;
}

/** The readable part of a partition. */
export interface LoaderSource {
  readonly logStartOffset: number;
  read(
    offset: number,
    maxBytes: number,
    isolation: "high-watermark",
    minOneBatch: boolean,
  ): ReadOutcome | Promise<ReadOutcome>;
}

export interface LoadOptions {
  /** Replay ends here; everything below is committed. */
  readonly endOffset: number;
  readonly chunkSizeBytes: number;
  /** True when the load is not wanted any more. */
  readonly isCancelled: () => boolean;
  /** Lets other work of the broker run between two chunks. */
  readonly breathe: () => Promise<void>;
}

/** Returns how many records were replayed. Rejects when the log cannot be read or contradicts itself. */
export async function loadState<Rec>(
  state: CoordinatorState<Rec>,
  source: LoaderSource,
  options: LoadOptions,
  modules: LoaderModules<Rec>,
): Promise<number> {
  let offset = source.logStartOffset;
  let recordCount = 0;
  while (offset < options.endOffset) {
    const outcome = await source.read(offset, options.chunkSizeBytes, "high-watermark", true);
    if (options.isCancelled()) return recordCount;
    if (!outcome.ok) throw new Error(`reading at ${offset}: ${errorName(outcome.errorCode)} ${outcome.message}`);
    if (outcome.sizeBytes === 0) throw new Error(`nothing to read at ${offset}, below ${options.endOffset}`);
    for (const chunk of outcome.chunks) {
      let position = 0;
      while (position < chunk.length) {
        recordCount += replayBatch(state, chunk, position, modules);
        offset = lastOffsetAt(chunk, position) + 1;
        position += batchSizeAt(chunk, position);
      }
    }
    await options.breathe();
    if (options.isCancelled()) return recordCount;
  }
  return recordCount;
}

/** Replays the batch at `position`. Returns how many records it held. */
export function replayBatch<Rec>(
  state: CoordinatorState<Rec>,
  chunk: Buffer,
  position: number,
  { codec, logger }: LoaderModules<Rec>,
): number {
  const attributes = attributesAt(chunk, position);
  const producerId = isTransactional(attributes) ? producerIdAt(chunk, position) : NOT_TRANSACTIONAL;
  let recordCount = 0;
  forEachRecord(chunk, position, record => {
    recordCount += 1;
    const key = record.key();
    const value = record.value();
    if (isControl(attributes)) {
      const marker = decodeControlRecord(key, value);
      if (marker.type === "commit" || marker.type === "abort") {
        state.endTransaction(producerIdAt(chunk, position), marker.type === "commit");
      }
      return;
    }
    if (key === null) throw new Error(`record at ${record.offset} has no key`);
    const decoded = codec.decode(key, value);
    if (decoded === null)
      logger.warn("coordinator.unknown-record", { offset: record.offset, type: key.readInt16BE(0) });
    else state.apply(decoded, producerId);
  });
  return recordCount;
}
