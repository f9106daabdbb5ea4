/**
 * Formats log directories as `kafka-storage format --standalone` does: the node is the only voter of a dynamic quorum (KIP-853).
 *
 * `meta.properties` is written last in each directory, so a crash on the way leaves a directory that counts as empty; and the metadata
 * directory comes first, so no other is ever formatted without it.
 */
import { atomicWrite, joinPath, makeDirectoryDurably } from "../../platform/files.ts";
import type { Clock, Disk, Random } from "../../platform/platform.ts";
import type { Voter } from "../../raft/quorum-history.ts";
import { SnapshotFileWriter } from "../../raft/snapshot-file.ts";
import { BOOTSTRAP_SNAPSHOT_ID, isSnapshotLeftover, snapshotFileName } from "../../raft/snapshot-id.ts";
import { BOOTSTRAP_FILE, initialBootstrapRecords, writeBootstrap } from "./bootstrap.ts";
import { KRAFT_VERSION_FEATURE } from "./feature-levels.ts";
import { randomUuid } from "./ids.ts";
import { formatMetaProperties, META_PROPERTIES_FILE, type MetaProperties } from "./meta-properties.ts";

/** Directory of the metadata log, within the metadata log directory. */
export const METADATA_LOG_DIRECTORY = "__cluster_metadata-0";
/** Held while a process uses the directory; Kafka takes the same. */
export const LOCK_FILE = ".lock";

export interface ControllerEndpoint {
  /** Name of the listener, `CONTROLLER`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface FormatModules {
  readonly disk: Disk;
  readonly clock: Pick<Clock, "now">;
  readonly random: Pick<Random, "bytes" | "integer">;
}

/** Formats the directory of the metadata log, which may be any log directory or one of its own. Returns what it says of itself now. */
export function formatMetadataDirectory(
  directory: string,
  identity: { readonly clusterId: string; readonly nodeId: number; readonly endpoints: readonly ControllerEndpoint[] },
  modules: FormatModules,
): MetaProperties {
  const { disk } = modules;
  const { clusterId, nodeId, endpoints } = identity;
  const properties = { clusterId, nodeId, directoryId: randomUuid(modules.random) };
  const metadataLog = joinPath(directory, METADATA_LOG_DIRECTORY);
  makeDirectoryDurably(disk, metadataLog);
  for (const name of disk.list(metadataLog)) disk.remove(joinPath(metadataLog, name));
  const voter: Voter = {
    voterId: nodeId,
    voterDirectoryId: properties.directoryId,
    endpoints: endpoints.map(({ name, host, port }) => ({ name, host, port })),
    kRaftVersionFeature: {
      minSupportedVersion: KRAFT_VERSION_FEATURE.minSupportedLevel,
      maxSupportedVersion: KRAFT_VERSION_FEATURE.maxSupportedLevel,
    },
  };
  const facts = { kraftVersion: KRAFT_VERSION_FEATURE.initialLevel, voters: [voter] };
  const lastContainedLogTimeMs = modules.clock.now();
  const snapshot = { directory: metadataLog, id: BOOTSTRAP_SNAPSHOT_ID, lastContainedLogTimeMs, facts };
  new SnapshotFileWriter(snapshot, modules).freezeNow();
  finish(directory, properties, modules);
  return properties;
}

/** Formats a further log directory of a node. */
export function formatDataDirectory(
  directory: string,
  identity: { readonly clusterId: string; readonly nodeId: number },
  modules: FormatModules,
): MetaProperties {
  const { clusterId, nodeId } = identity;
  const properties = { clusterId, nodeId, directoryId: randomUuid(modules.random) };
  makeDirectoryDurably(modules.disk, directory);
  finish(directory, properties, modules);
  return properties;
}

/** Replaces `meta.properties`; durable on return. */
export function writeMetaProperties(directory: string, properties: MetaProperties, modules: FormatModules): void {
  const text = formatMetaProperties(properties, modules.clock.now());
  atomicWrite(modules.disk, joinPath(directory, META_PROPERTIES_FILE), text);
}

/** Whether a directory may be formatted: missing, empty, or holding nothing but what a crash while formatting leaves. */
export function isFormattable(disk: Disk, directory: string): boolean {
  if (!disk.exists(directory)) return true;
  return disk.list(directory).every(name => {
    if (name === METADATA_LOG_DIRECTORY) return isUnusedMetadataLog(disk, joinPath(directory, name));
    return name === LOCK_FILE || name === "lost+found" || name === BOOTSTRAP_FILE || name.endsWith(".tmp");
  });
}

function isUnusedMetadataLog(disk: Disk, directory: string): boolean {
  const initial = snapshotFileName(BOOTSTRAP_SNAPSHOT_ID);
  return disk.list(directory).every(name => name === initial || isSnapshotLeftover(name));
}

function finish(directory: string, properties: MetaProperties, modules: FormatModules): void {
  writeBootstrap(directory, initialBootstrapRecords(), modules);
  writeMetaProperties(directory, properties, modules);
}
