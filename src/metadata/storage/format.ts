/**
 * Formats log directories as `kafka-storage format` does: with the voters of a new dynamic quorum (KIP-853, `--standalone`, `--initial-controllers`), or
 * without, for a node that finds its quorum otherwise (`--no-initial-controllers`, configured voters).
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
/** What a node promised to its peers before their cluster was there. */
export const FORMATION_FILE = "samsa.formation";

export interface ControllerEndpoint {
  /** Name of the listener, `CONTROLLER`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** What a new node is to be. */
export interface FormatPlan {
  readonly clusterId: string;
  /** Id of the metadata directory where others know it already; a new one otherwise. */
  readonly directoryId?: string;
  /** The voters of a new quorum, which every one of them writes alike; null for a node that is not one of its founders. */
  readonly initialVoters: ((directoryId: string) => readonly Voter[]) | null;
}

/** The plan of a node that is a quorum of its own. */
export function standalonePlan(
  clusterId: string,
  nodeId: number,
  endpoints: readonly ControllerEndpoint[],
): FormatPlan {
  return { clusterId, initialVoters: directoryId => [initialVoter({ nodeId, directoryId, endpoints })] };
}

/** A voter of this release, as a voter set names it. */
export function initialVoter({
  nodeId,
  directoryId,
  endpoints,
}: {
  readonly nodeId: number;
  readonly directoryId: string;
  readonly endpoints: readonly ControllerEndpoint[];
}): Voter {
  return {
    voterId: nodeId,
    voterDirectoryId: directoryId,
    endpoints: endpoints.map(({ name, host, port }) => ({ name, host, port })),
    kRaftVersionFeature: {
      minSupportedVersion: KRAFT_VERSION_FEATURE.minSupportedLevel,
      maxSupportedVersion: KRAFT_VERSION_FEATURE.maxSupportedLevel,
    },
  };
}

export interface FormatModules {
  readonly disk: Disk;
  readonly clock: Pick<Clock, "now">;
  readonly random: Pick<Random, "bytes" | "integer">;
}

/** Formats the directory of the metadata log, which may be any log directory or one of its own. Returns what it says of itself now. */
export function formatMetadataDirectory(
  directory: string,
  nodeId: number,
  plan: FormatPlan,
  modules: FormatModules,
): MetaProperties {
  const { disk } = modules;
  const { clusterId, directoryId = randomUuid(modules.random), initialVoters } = plan;
  const properties = { clusterId, nodeId, directoryId };
  const metadataLog = joinPath(directory, METADATA_LOG_DIRECTORY);
  makeDirectoryDurably(disk, metadataLog);
  for (const name of disk.list(metadataLog)) disk.remove(joinPath(metadataLog, name));
  if (initialVoters !== null) {
    const facts = { kraftVersion: KRAFT_VERSION_FEATURE.initialLevel, voters: [...initialVoters(directoryId)] };
    const lastContainedLogTimeMs = modules.clock.now();
    const snapshot = { directory: metadataLog, id: BOOTSTRAP_SNAPSHOT_ID, lastContainedLogTimeMs, facts };
    new SnapshotFileWriter(snapshot, modules).freezeNow();
  }
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

const HARMLESS_NAMES: ReadonlySet<string> = new Set([LOCK_FILE, "lost+found", BOOTSTRAP_FILE, FORMATION_FILE]);

/** Whether a directory may be formatted: missing, empty, or holding nothing but what a crash while formatting leaves. */
export function isFormattable(disk: Disk, directory: string): boolean {
  if (!disk.exists(directory)) return true;
  return disk.list(directory).every(name => {
    if (name === METADATA_LOG_DIRECTORY) return isUnusedMetadataLog(disk, joinPath(directory, name));
    return HARMLESS_NAMES.has(name) || name.endsWith(".tmp");
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
