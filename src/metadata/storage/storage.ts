/**
 * Opens a node's log directories: locks them, formats new ones, and refuses those that are not this node's.
 *
 * ```ts
 * const storage = openStorage(options, { disk, clock, random, logger });
 * try { … storage.directories, storage.metadataLogDirectory … } finally { storage.close(); }
 * ```
 *
 * The rules are those of Kafka's `MetaPropertiesEnsemble`, and one more: a directory that holds something but no `meta.properties` is
 * refused, not formatted over.
 */
import type { Logger } from "../../logging/logger.ts";
import { joinPath, makeDirectoryDurably, readFileIfExists } from "../../platform/files.ts";
import { type Clock, type Disk, DiskError, type Random } from "../../platform/platform.ts";
import { readBootstrap } from "./bootstrap.ts";
import {
  type ControllerEndpoint,
  type FormatPlan,
  formatDataDirectory,
  formatMetadataDirectory,
  isFormattable,
  LOCK_FILE,
  METADATA_LOG_DIRECTORY,
  standalonePlan,
  writeMetaProperties,
} from "./format.ts";
import { randomUuid } from "./ids.ts";
import { META_PROPERTIES_FILE, type MetaProperties, parseMetaProperties } from "./meta-properties.ts";

export interface LockOptions {
  /** `log.dirs`. */
  readonly directories: readonly string[];
  /** `metadata.log.dir`; the first log directory when null. */
  readonly metadataDirectory: string | null;
  readonly nodeId: number;
  /** The cluster the node is meant to be in: checked where the directories say one. Null for any. */
  readonly clusterId: string | null;
  /** Whether missing directories are made. */
  readonly formatIfNew: boolean;
}

export interface StorageOptions extends LockOptions {
  /** Where the controller listens, for the voter set of a new quorum. */
  readonly endpoints: readonly ControllerEndpoint[];
}

export interface StorageModules {
  readonly disk: Disk;
  readonly clock: Pick<Clock, "now">;
  readonly random: Pick<Random, "bytes" | "integer">;
  readonly logger: Logger;
}

export interface StorageDirectory {
  readonly path: string;
  readonly directoryId: string;
}

/** Open log directories; this process holds their locks. */
export interface Storage {
  readonly clusterId: string;
  readonly nodeId: number;
  /** In the order configured, without {@link unusable}. */
  readonly directories: readonly StorageDirectory[];
  /** Directories that are offline from the start, and why: their disks fail. */
  readonly unusable: ReadonlyMap<string, string>;
  /** The one that holds the metadata log; among {@link directories} unless `metadata.log.dir` lies apart. */
  readonly metadataDirectory: StorageDirectory;
  /** `<metadata directory>/__cluster_metadata-0`. */
  readonly metadataLogDirectory: string;
  /** Whether this call formatted them. */
  readonly isNew: boolean;
  /** What the first controller writes into an empty metadata log, encoded. Throws when the file is damaged. */
  bootstrapRecords(): Buffer[];
  /** Releases the locks. */
  close(): void;
}

/** The directories cannot be used, for the reason in the message; no file was changed, but missing directories may have been made. */
export class StorageError extends Error {
  override readonly name = "StorageError";
}

/** Directories that this process holds the locks of, looked at and found to be this node's or new. */
export interface LockedStorage {
  /** Whether there is nothing in them yet. */
  readonly isNew: boolean;
  /** Directory of the metadata log's directory. */
  readonly metadataPath: string;
  /** Null where they are new. */
  readonly clusterId: string | null;
  /** Id of the metadata directory; null where that is new, or older than such ids. */
  readonly directoryId: string | null;
  /** Formats what is new by `plan`, which is needed only then. @throws StorageError, DiskError */
  open(plan: FormatPlan | null): Storage;
  /** Releases the locks. */
  close(): void;
}

/** Opens directories, new ones as those of a quorum of one. @throws StorageError, DiskError */
export function openStorage(options: StorageOptions, modules: StorageModules): Storage {
  const locked = lockStorage(options, modules);
  try {
    const { nodeId, endpoints, formatIfNew } = options;
    const clusterId = locked.clusterId ?? options.clusterId ?? randomUuid(modules.random);
    return locked.open(formatIfNew ? standalonePlan(clusterId, nodeId, endpoints) : null);
  } catch (error) {
    locked.close();
    throw error;
  }
}

/** @throws StorageError, DiskError */
export function lockStorage(options: LockOptions, modules: StorageModules): LockedStorage {
  const metadataPath = options.metadataDirectory ?? options.directories[0];
  if (metadataPath === undefined) throw new StorageError("no log directory is configured (log.dirs)");
  const paths = [...new Set([metadataPath, ...options.directories])];
  if (new Set(options.directories).size < options.directories.length) {
    throw new StorageError(`log.dirs names a directory twice: ${options.directories.join(", ")}`);
  }
  const releases: (() => void)[] = [];
  const close = () => {
    for (const release of releases.splice(0)) release();
  };
  try {
    const before = new Map<string, MetaProperties | null>();
    const unusable = new Map<string, string>();
    for (const path of paths) {
      try {
        releases.push(lockDirectory(modules.disk, path, options));
        before.set(path, loadMetaProperties(modules.disk, path));
      } catch (error) {
        // The others of a node that ran before go on without it, but not without the metadata.
        const isSpare = path !== metadataPath && (before.get(metadataPath) ?? null) !== null;
        if (!(error instanceof DiskError && isSpare)) throw asRefusal(path, error);
        modules.logger.error("storage.directory-unusable", { path, error: error.message });
        unusable.set(path, error.message);
      }
    }
    checkConsistency(before, metadataPath, options, modules.disk);
    const known = before.get(metadataPath) ?? null;
    return {
      isNew: known === null,
      metadataPath,
      clusterId: known?.clusterId ?? null,
      directoryId: known?.directoryId ?? null,
      open: plan =>
        opened(formatMissing(before, metadataPath, plan, options.nodeId, modules), unusable, known === null),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }

  function opened(
    after: ReadonlyMap<string, MetaProperties>,
    unusable: ReadonlyMap<string, string>,
    isNew: boolean,
  ): Storage {
    const describe = (path: string) => ({ path, directoryId: after.get(path)?.directoryId as string });
    return {
      clusterId: after.get(metadataPath)?.clusterId as string,
      nodeId: options.nodeId,
      directories: options.directories.filter(path => after.has(path)).map(describe),
      unusable,
      metadataDirectory: describe(metadataPath as string),
      metadataLogDirectory: joinPath(metadataPath as string, METADATA_LOG_DIRECTORY),
      isNew,
      bootstrapRecords: () => readBootstrap(modules.disk, metadataPath as string),
      close,
    };
  }
}

function lockDirectory(disk: Disk, path: string, options: LockOptions): () => void {
  if (!disk.exists(path)) {
    if (!options.formatIfNew) throw new StorageError(`log directory ${path} does not exist`);
    makeDirectoryDurably(disk, path);
  } else if (!disk.status(path).isDirectory) throw new DiskError("ENOTDIR", "lock", path);
  const release = disk.lock(joinPath(path, LOCK_FILE));
  if (release === null) throw new StorageError(`${path} is in use by another process`);
  return release;
}

function asRefusal(path: string, error: unknown): unknown {
  const isFile = error instanceof DiskError && error.code === "ENOTDIR";
  return isFile ? new StorageError(`${path} is not a directory`) : error;
}

/** Null when the directory has none. */
function loadMetaProperties(disk: Disk, directory: string): MetaProperties | null {
  const path = joinPath(directory, META_PROPERTIES_FILE);
  const contents = readFileIfExists(disk, path);
  if (contents === null) return null;
  try {
    return parseMetaProperties(contents.toString("latin1"));
  } catch (error) {
    if (error instanceof DiskError) throw error;
    throw new StorageError(`${path}: ${(error as Error).message}`);
  }
}

function checkConsistency(
  found: ReadonlyMap<string, MetaProperties | null>,
  metadataPath: string,
  options: LockOptions,
  disk: Disk,
): void {
  const formatted = [...found].filter((entry): entry is [string, MetaProperties] => entry[1] !== null);
  for (const [path, properties] of found) {
    if (properties === null && !isFormattable(disk, path)) {
      throw new StorageError(
        `${path} is not empty and has no ${META_PROPERTIES_FILE}: it is no log directory, or has lost the file`,
      );
    }
    if (path !== metadataPath && properties !== null && disk.exists(joinPath(path, METADATA_LOG_DIRECTORY))) {
      throw new StorageError(
        `${path} holds a metadata log, but the metadata log directory is ${metadataPath} (metadata.log.dir)`,
      );
    }
  }
  if (formatted.length > 0 && found.get(metadataPath) === null) {
    throw new StorageError(
      `${metadataPath} is to hold the metadata log but is new, while ${formatted[0]?.[0]} is in use already`,
    );
  }
  for (const [path, { nodeId, clusterId }] of formatted) {
    if (nodeId !== options.nodeId) {
      throw new StorageError(`${path} belongs to node ${nodeId}, but this is node ${options.nodeId} (node.id)`);
    }
    const expected = options.clusterId ?? formatted[0]?.[1].clusterId;
    if (clusterId !== expected) throw new StorageError(`${path} belongs to cluster ${clusterId}, not to ${expected}`);
  }
  checkDirectoryIds(formatted);
}

/** One id in two directories means that one was copied from the other. */
function checkDirectoryIds(formatted: readonly (readonly [string, MetaProperties])[]): void {
  const paths = new Map<string, string>();
  for (const [path, { directoryId }] of formatted) {
    if (directoryId === null) continue;
    const other = paths.get(directoryId);
    if (other !== undefined) throw new StorageError(`${other} and ${path} have the same directory.id ${directoryId}`);
    paths.set(directoryId, path);
  }
}

/** Formats directories without `meta.properties`, the metadata directory first, and gives ids to those of before KIP-858. */
function formatMissing(
  found: ReadonlyMap<string, MetaProperties | null>,
  metadataPath: string,
  plan: FormatPlan | null,
  nodeId: number,
  modules: StorageModules,
): Map<string, MetaProperties> {
  const clusterId = (found.get(metadataPath) ?? plan)?.clusterId;
  if (clusterId === undefined) {
    throw new StorageError(`${metadataPath} has no ${META_PROPERTIES_FILE}: it has not been formatted`);
  }
  const result = new Map<string, MetaProperties>();
  for (const [path, properties] of found) {
    let current = properties;
    if (current === null) {
      current =
        path === metadataPath && plan !== null
          ? formatMetadataDirectory(path, nodeId, plan, modules)
          : formatDataDirectory(path, { clusterId, nodeId }, modules);
      const { directoryId } = current;
      modules.logger.info("storage.formatted", { path, clusterId, nodeId, directoryId });
    } else if (current.directoryId === null) {
      current = { ...current, directoryId: randomUuid(modules.random) };
      writeMetaProperties(path, current, modules);
    }
    result.set(path, current);
  }
  return result;
}
