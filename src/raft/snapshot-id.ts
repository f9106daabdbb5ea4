/**
 * Names of snapshot files: `<end offset, 20 digits>-<epoch, 10 digits>.checkpoint` (KIP-630). While one is written its name has a random part
 * and ends in `.checkpoint.part`; Kafka marks one to be removed by a further `.deleted`.
 */
import type { SnapshotId } from "./replicated-log.ts";

const SUFFIX = ".checkpoint";
const PART_SUFFIX = ".checkpoint.part";
const DELETED_SUFFIX = ".checkpoint.deleted";
const NAME = /^(\d{20})-(\d{10})\.checkpoint$/;

/** The checkpoint with which a dynamic quorum starts: it holds the first voters and no metadata (KIP-853). */
export const BOOTSTRAP_SNAPSHOT_ID: SnapshotId = Object.freeze({ endOffset: 0, epoch: 0 });

export function snapshotFileName(id: SnapshotId): string {
  return `${digits(id)}${SUFFIX}`;
}

/** A name for the file while it is written. `unique` tells apart attempts that crashed. */
export function partialSnapshotFileName(id: SnapshotId, unique: number): string {
  return `${digits(id)}-${unique}${PART_SUFFIX}`;
}

/** The snapshot that a file name stands for; null for any other file. */
export function parseSnapshotFileName(name: string): SnapshotId | null {
  const match = NAME.exec(name);
  return match === null ? null : { endOffset: Number(match[1]), epoch: Number(match[2]) };
}

/** Whether a file is what a crash left of writing or removing a snapshot. */
export function isSnapshotLeftover(name: string): boolean {
  return name.endsWith(PART_SUFFIX) || name.endsWith(DELETED_SUFFIX);
}

/** Orders by end offset, then epoch. */
export function compareSnapshotIds(a: SnapshotId, b: SnapshotId): number {
  return a.endOffset - b.endOffset || a.epoch - b.epoch;
}

function digits({ endOffset, epoch }: SnapshotId): string {
  return `${String(endOffset).padStart(20, "0")}-${String(epoch).padStart(10, "0")}`;
}
