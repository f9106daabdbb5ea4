/** The metadata log of a node as its files hold it, Kafka's as ours, whether the node runs or not. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { baseOffsetAt, batchSizeAt, lastOffsetAt, partitionLeaderEpochAt } from "../../protocol/records/batch.ts";

export interface MetadataLogFiles {
  /** Where the oldest segment begins. */
  readonly startOffset: number;
  readonly endOffset: number;
  readonly batches: readonly MetadataBatch[];
}

export interface MetadataBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly epoch: number;
  readonly bytes: Buffer;
}

/** Of a node's data directory. */
export function readMetadataLog(dataDir: string): MetadataLogFiles {
  const directory = directoryIn(dataDir);
  const segments = readdirSync(directory)
    .filter(name => name.endsWith(".log"))
    .sort();
  const batches = segments.flatMap(name => batchesIn(readFileSync(join(directory, name))));
  const startOffset = Number.parseInt(segments[0] ?? "0", 10);
  return { startOffset, endOffset: (batches.at(-1)?.lastOffset ?? startOffset - 1) + 1, batches };
}

/** End offsets of the snapshots in a node's data directory, ascending. */
export function snapshotEnds(dataDir: string): number[] {
  const names = readdirSync(directoryIn(dataDir)).filter(name => /^\d+-\d+\.checkpoint$/.test(name));
  return names.map(name => Number.parseInt(name, 10)).sort((left, right) => left - right);
}

function directoryIn(dataDir: string): string {
  return join(dataDir, "__cluster_metadata-0");
}

/** All but one that is being written. */
function batchesIn(bytes: Buffer): MetadataBatch[] {
  const found: MetadataBatch[] = [];
  for (let position = 0; position + BATCH_HEAD_BYTES <= bytes.length; ) {
    const end = position + batchSizeAt(bytes, position);
    if (end > bytes.length) break;
    found.push({
      baseOffset: baseOffsetAt(bytes, position),
      lastOffset: lastOffsetAt(bytes, position),
      epoch: partitionLeaderEpochAt(bytes, position),
      bytes: bytes.subarray(position, end),
    });
    position = end;
  }
  return found;
}

/** Offset and length. */
const BATCH_HEAD_BYTES = 12;
