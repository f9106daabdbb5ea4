/**
 * One log directory (an entry of `log.dirs`): its checkpoint files, its clean-shutdown marker, and what is in it.
 */
import { atomicWrite, joinPath, readFileIfExists, removeDurably } from "../platform/files.ts";
import { type Disk, DiskError } from "../platform/platform.ts";
import {
  CheckpointError,
  decodeCleanShutdown,
  decodeOffsetCheckpoint,
  encodeCleanShutdown,
  encodeOffsetCheckpoint,
  type OffsetCheckpointEntry,
} from "./checkpoints.ts";
import {
  CLEAN_SHUTDOWN_MARKER,
  CLEANER_CHECKPOINT,
  HIGH_WATERMARK_CHECKPOINT,
  LOG_START_OFFSET_CHECKPOINT,
  parseDirectoryName,
  partitionDirectoryName,
  RECOVERY_POINT_CHECKPOINT,
} from "./file-names.ts";
import { discardJournal } from "./journal/journal-files.ts";
import type { PartitionLog } from "./partition-log.ts";

const META_PROPERTIES = "meta.properties";
/** The reserve never takes more than this share of a volume: a broker on a small one must be able to work. */
const LARGEST_RESERVE_RATIO = 0.1;

/** Offsets by partition directory name. */
export type Offsets = ReadonlyMap<string, number>;

export class LogDirectory {
  readonly path: string;
  /** `directory.id` of `meta.properties`; null when there is none. */
  readonly id: string | null;
  readonly logs = new Set<PartitionLog>();
  /** Those of {@link logs} that are copies of replicas which are moving here: nobody reads or writes them yet. */
  readonly futureLogs = new Set<PartitionLog>();
  /** Broker epoch of a clean stop; null after an unclean one. -1 when the marker does not name it. */
  readonly cleanShutdownEpoch: number | null;
  readonly recoveryPoints: Offsets;
  readonly logStartOffsets: Offsets;
  readonly highWatermarks: Offsets;
  readonly cleanedOffsets: Offsets;
  /** Names of partition directories that could not be opened. What the checkpoints say of them stays, for whoever repairs them. */
  readonly offlineLogs = new Set<string>();
  /** Free space fell below the reserve: clients' appends are refused. */
  isFull = false;
  /** Gets no new logs unless it is asked for by its id (`cordoned.log.dirs`, KIP-1066); those that are here are served as ever. */
  isCordoned = false;
  #failure: string | null = null;
  readonly #disk: Disk;
  /** What the checkpoint files hold, to spare writing the same again. */
  readonly #written = new Map<string, string>();

  /** What kept the directory from being opened: it is offline from the start. */
  readonly failureAtStart: DiskError | CheckpointError | null = null;

  /** Reads the directory's small files and deletes the clean-shutdown marker, durably: a crash from here on is unclean. */
  constructor(path: string, modules: { disk: Disk }) {
    this.path = path;
    this.#disk = modules.disk;
    this.id = null;
    this.cleanShutdownEpoch = null;
    this.recoveryPoints = this.logStartOffsets = this.highWatermarks = this.cleanedOffsets = new Map();
    try {
      const meta = readFileIfExists(this.#disk, joinPath(path, META_PROPERTIES))?.toString("utf8") ?? "";
      this.id = /^\s*directory\.id\s*=\s*(\S+)/m.exec(meta)?.[1] ?? null;
      const marker = readFileIfExists(this.#disk, joinPath(path, CLEAN_SHUTDOWN_MARKER));
      this.recoveryPoints = this.#readOffsets(RECOVERY_POINT_CHECKPOINT);
      this.logStartOffsets = this.#readOffsets(LOG_START_OFFSET_CHECKPOINT);
      this.highWatermarks = this.#readOffsets(HIGH_WATERMARK_CHECKPOINT);
      this.cleanedOffsets = this.#readOffsets(CLEANER_CHECKPOINT);
      // Whoever left the marker knew of no journal: one that is there is older. It goes first, for without the marker it would be replayed.
      if (marker !== null) discardJournal(path, modules);
      removeDurably(this.#disk, joinPath(path, CLEAN_SHUTDOWN_MARKER));
      this.cleanShutdownEpoch = marker === null ? null : decodeCleanShutdown(marker.toString("utf8"));
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof CheckpointError)) throw error;
      this.failureAtStart = error;
      this.goOffline(error.message);
    }
  }

  get isClean(): boolean {
    return this.cleanShutdownEpoch !== null;
  }

  /** Why the directory is offline; null while it is in use. */
  get failure(): string | null {
    return this.#failure;
  }

  get offline(): boolean {
    return this.#failure !== null;
  }

  goOffline(reason: string): void {
    this.#failure ??= reason;
  }

  /** Looks at the volume's free space; returns whether {@link isFull} changed. */
  checkSpace(reserve: { readonly reserveBytes: number; readonly reserveRatio: number }): boolean {
    const { reserveBytes, reserveRatio } = reserve;
    if (reserveBytes === 0 && reserveRatio === 0) return false;
    const { freeBytes, totalBytes } = this.#disk.space(this.path);
    const keptBytes = Math.min(Math.max(reserveBytes, totalBytes * reserveRatio), totalBytes * LARGEST_RESERVE_RATIO);
    const wasFull = this.isFull;
    this.isFull = freeBytes < keptBytes;
    return this.isFull !== wasFull;
  }

  /** The partition directories and others in it. */
  list(): string[] {
    return this.#disk.list(this.path);
  }

  writeRecoveryPoints(): void {
    this.#writeOffsets(RECOVERY_POINT_CHECKPOINT, this.recoveryPoints, log => log.recoveryPoint);
  }

  /** Only logs whose start is above the first segment on disk need an entry: for the others the file's name says it. */
  writeLogStartOffsets(): void {
    this.#writeOffsets(LOG_START_OFFSET_CHECKPOINT, this.logStartOffsets, log =>
      log.logStartOffset > log.oldestBaseOffset ? log.logStartOffset : null,
    );
  }

  writeHighWatermarks(isReplicated: (log: PartitionLog) => boolean): void {
    this.#writeOffsets(HIGH_WATERMARK_CHECKPOINT, this.highWatermarks, log =>
      isReplicated(log) ? log.highWatermark : null,
    );
  }

  writeCleanedOffsets(): void {
    this.#writeOffsets(CLEANER_CHECKPOINT, this.cleanedOffsets, log => log.cleanedOffset);
  }

  /** The last file of a clean stop: everything else must be durable. */
  writeCleanShutdownMarker(brokerEpoch: number): void {
    atomicWrite(this.#disk, joinPath(this.path, CLEAN_SHUTDOWN_MARKER), encodeCleanShutdown(brokerEpoch));
  }

  #writeOffsets(name: string, found: Offsets, offsetOf: (log: PartitionLog) => number | null): void {
    const entries: OffsetCheckpointEntry[] = [];
    for (const offlineLog of this.offlineLogs) {
      const parsed = parseDirectoryName(offlineLog);
      const offset = found.get(offlineLog);
      if (offset !== undefined && parsed.kind === "partition")
        entries.push({ topic: parsed.topic, partition: parsed.partition, offset });
    }
    for (const log of this.logs) {
      const offset = offsetOf(log);
      if (offset !== null)
        entries.push({ topic: log.topicPartition.topic, partition: log.topicPartition.partition, offset });
    }
    const text = encodeOffsetCheckpoint(entries);
    if (this.#written.get(name) === text) return;
    atomicWrite(this.#disk, joinPath(this.path, name), text);
    this.#written.set(name, text);
  }

  #readOffsets(name: string): Offsets {
    const contents = readFileIfExists(this.#disk, joinPath(this.path, name));
    const offsets = new Map<string, number>();
    if (contents === null) return offsets;
    try {
      for (const { topic, partition, offset } of decodeOffsetCheckpoint(contents.toString("utf8"))) {
        offsets.set(partitionDirectoryName(topic, partition), offset);
      }
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      throw new CheckpointError(`${joinPath(this.path, name)}: ${error.message}`);
    }
    return offsets;
  }
}

/** Removes a directory file by file, off the event loop: freeing cached files takes its time. */
export async function removeDirectoryAsync(disk: Disk, path: string): Promise<void> {
  if (!disk.exists(path)) return;
  for (const name of disk.list(path)) await disk.removeAsync(joinPath(path, name));
  disk.removeDirectory(path);
}
