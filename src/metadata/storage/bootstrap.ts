/**
 * `bootstrap.checkpoint`: the records that the first controller of a new cluster writes into the empty metadata log: the features' levels.
 * A snapshot file without voters, in every log directory.
 */
import { encodeMetadataRecord } from "../../../protocol/internal/metadata-record.ts";
import { atomicWrite, joinPath, readFileIfExists } from "../../platform/files.ts";
import type { Clock, Disk } from "../../platform/platform.ts";
import { parseSnapshot, SnapshotEncoder } from "../../raft/snapshot-file.ts";
import { BOOTSTRAP_SNAPSHOT_ID } from "../../raft/snapshot-id.ts";
import { FEATURES } from "./feature-levels.ts";

export const BOOTSTRAP_FILE = "bootstrap.checkpoint";

/** The records that a new cluster of this release starts with, encoded. */
export function initialBootstrapRecords(levels: ReadonlyMap<string, number> = initialLevels()): Buffer[] {
  return [...levels]
    .filter(([, featureLevel]) => featureLevel > 0)
    .map(([name, featureLevel]) =>
      encodeMetadataRecord({ type: "FeatureLevelRecord", version: 0, value: { name, featureLevel } }),
    );
}

/** Initial levels by feature, in the order they are written in. */
export function initialLevels(): Map<string, number> {
  return new Map(FEATURES.map(({ name, initialLevel }) => [name, initialLevel]));
}

/** The file's bytes. */
export function encodeBootstrap(records: readonly Buffer[], modules: { clock: Pick<Clock, "now"> }): Buffer {
  const encoder = new SnapshotEncoder({ epoch: BOOTSTRAP_SNAPSHOT_ID.epoch }, modules);
  return Buffer.concat([encoder.header(0, null), ...encoder.records(records), encoder.footer()]);
}

/** Writes the file; durable on return. Throws `DiskError`. */
export function writeBootstrap(
  directory: string,
  records: readonly Buffer[],
  modules: { disk: Disk; clock: Pick<Clock, "now"> },
): void {
  atomicWrite(modules.disk, joinPath(directory, BOOTSTRAP_FILE), encodeBootstrap(records, modules));
}

/**
 * The encoded records of a directory's bootstrap file; those of {@link initialBootstrapRecords} when there is no file, as for a directory
 * formatted without one. Throws `CorruptSnapshotError` when the file is damaged.
 */
export function readBootstrap(disk: Disk, directory: string): Buffer[] {
  const path = joinPath(directory, BOOTSTRAP_FILE);
  const contents = readFileIfExists(disk, path);
  if (contents === null) return initialBootstrapRecords();
  return [...parseSnapshot(contents, BOOTSTRAP_SNAPSHOT_ID, path).batches()].flat();
}
