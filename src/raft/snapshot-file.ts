/**
 * A snapshot as a file (KIP-630): a control batch with the header, and from `kraft.version` 1 the version and the voters; batches of records;
 * a control batch with the footer, which proves the file whole. Offsets count from 0 and mean nothing; the leader epoch of all batches is
 * the snapshot's. The `bootstrap.checkpoint` of a formatted directory is such a file too.
 */
import { joinPath } from "../platform/files.ts";
import { type Clock, type Disk, DiskError, type File } from "../platform/platform.ts";
import {
  type ControlRecord,
  decodeBatches,
  encodeControlBatch,
  encodeRecordBatch,
  type LoggedBatch,
  recordSize,
} from "./batches.ts";
import type { QuorumFacts } from "./quorum-history.ts";
import { MAX_BATCH_SIZE_BYTES, type SnapshotId, type SnapshotReader } from "./replicated-log.ts";
import { partialSnapshotFileName, snapshotFileName } from "./snapshot-id.ts";

/** Thrown for a snapshot that is torn, corrupt or not one at all. */
export class CorruptSnapshotError extends Error {
  override readonly name = "CorruptSnapshotError";
}

/** A batch is closed when it holds this many records; as Kafka's `RaftSnapshotWriter`. */
const MAX_RECORDS_PER_BATCH = 1024;

/** Makes the batches of a snapshot, one by one. */
export class SnapshotEncoder {
  readonly #clock: Pick<Clock, "now">;
  readonly #epoch: number;
  #nextOffset = 0;

  constructor(options: { epoch: number }, modules: { clock: Pick<Clock, "now"> }) {
    this.#epoch = options.epoch;
    this.#clock = modules.clock;
  }

  /** The first batch. Facts of `kraft.version` 0 leave version and voters out. */
  header(lastContainedLogTimeMs: number, facts: Pick<QuorumFacts, "kraftVersion" | "voters"> | null): Buffer {
    const records: ControlRecord[] = [{ type: "snapshotHeader", lastContainedLogTimeMs }];
    if (facts !== null && facts.kraftVersion > 0) {
      records.push({ type: "kraftVersion", kraftVersion: facts.kraftVersion });
      if (facts.voters !== null) records.push({ type: "voters", voters: facts.voters });
    }
    return this.#control(records);
  }

  /** Batches of at most {@link MAX_BATCH_SIZE_BYTES} and 1024 records. */
  *records(values: readonly Buffer[]): Iterable<Buffer> {
    let first = 0;
    let sizeBytes = 0;
    for (let index = 0; index < values.length; index++) {
      const valueSizeBytes = recordSize(values[index] as Buffer);
      if (
        index > first &&
        (index - first >= MAX_RECORDS_PER_BATCH || sizeBytes + valueSizeBytes > MAX_BATCH_SIZE_BYTES)
      ) {
        yield this.#batch(values.slice(first, index));
        first = index;
        sizeBytes = 0;
      }
      sizeBytes += valueSizeBytes;
    }
    if (first < values.length) yield this.#batch(values.slice(first));
  }

  footer(): Buffer {
    return this.#control([{ type: "snapshotFooter" }]);
  }

  #batch(values: readonly Buffer[]): Buffer {
    const baseOffset = this.#advance(values.length);
    return encodeRecordBatch({ baseOffset, epoch: this.#epoch, appendTimeMs: this.#clock.now() }, values);
  }

  #control(records: readonly ControlRecord[]): Buffer {
    const baseOffset = this.#advance(records.length);
    return encodeControlBatch({ baseOffset, epoch: this.#epoch, appendTimeMs: this.#clock.now() }, records);
  }

  #advance(count: number): number {
    const baseOffset = this.#nextOffset;
    this.#nextOffset += count;
    return baseOffset;
  }
}

export interface SnapshotFileOptions {
  readonly directory: string;
  readonly id: SnapshotId;
  readonly lastContainedLogTimeMs: number;
  readonly facts: Pick<QuorumFacts, "kraftVersion" | "voters"> | null;
}

export interface SnapshotFileModules {
  readonly disk: Disk;
  readonly clock: Pick<Clock, "now">;
  readonly random: { integer(bound: number): number };
}

/** Writes a snapshot beside its final name and moves it there when it is whole and durable. */
export class SnapshotFileWriter {
  readonly #options: SnapshotFileOptions;
  readonly #disk: Disk;
  readonly #encoder: SnapshotEncoder;
  readonly #path: string;
  #file: File | null;
  #sizeBytes = 0;

  /** Throws `DiskError`. */
  constructor(options: SnapshotFileOptions, modules: SnapshotFileModules) {
    this.#options = options;
    this.#disk = modules.disk;
    this.#encoder = new SnapshotEncoder({ epoch: options.id.epoch }, modules);
    this.#path = joinPath(options.directory, partialSnapshotFileName(options.id, modules.random.integer(2 ** 32)));
    this.#file = modules.disk.open(this.#path, "create");
    try {
      this.#write(this.#encoder.header(options.lastContainedLogTimeMs, options.facts));
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  get id(): SnapshotId {
    return this.#options.id;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Throws `DiskError`, or when the snapshot is finished already. */
  append(records: readonly Buffer[]): void {
    for (const batch of this.#encoder.records(records)) this.#write(batch);
  }

  /** Writes the footer, makes the file durable and gives it its name. On failure nothing is left but, at worst, the partial file. */
  async freeze(): Promise<void> {
    const file = this.#file as File;
    try {
      this.#write(this.#encoder.footer());
      await file.sync();
      if (this.#file === null) throw new Error(`${this.#path}: aborted while it was synced`);
    } catch (error) {
      this.abort();
      throw error;
    }
    this.#publish(file);
  }

  /** As {@link freeze}, blocking: for formatting. */
  freezeNow(): void {
    this.#write(this.#encoder.footer());
    const file = this.#file as File;
    file.syncNow();
    this.#publish(file);
  }

  abort(): void {
    if (this.#file === null) return;
    this.#file.close();
    this.#file = null;
    this.#disk.remove(this.#path);
  }

  #publish(file: File): void {
    file.close();
    this.#file = null;
    this.#disk.rename(this.#path, joinPath(this.#options.directory, snapshotFileName(this.#options.id)));
    this.#disk.syncDirectory(this.#options.directory);
  }

  #write(batch: Buffer): void {
    if (this.#file === null) throw new Error(`${this.#path} is finished`);
    this.#file.writev([batch], this.#sizeBytes);
    this.#sizeBytes += batch.length;
  }
}

/** A snapshot read from a file, whole and checked. */
export interface SnapshotFile extends SnapshotReader {
  /** What the snapshot says of the quorum; offset −1 where it says nothing. */
  readonly facts: Omit<QuorumFacts, "offset">;
  readonly sizeBytes: number;
}

/**
 * Reads and checks the snapshot `id` of `directory`: every batch's CRC and structure, header first, footer last, nothing behind it.
 *
 * @throws CorruptSnapshotError, DiskError
 */
export function readSnapshotFile(disk: Disk, directory: string, id: SnapshotId): SnapshotFile {
  const path = joinPath(directory, snapshotFileName(id));
  return parseSnapshot(disk.readFile(path), id, path);
}

/** As {@link readSnapshotFile}, for bytes at hand. `name` is for the error. */
export function parseSnapshot(contents: Buffer, id: SnapshotId, name: string): SnapshotFile {
  const batches = decodeAll(contents, name);
  const header = batches[0]?.controls[0];
  if (header?.type !== "snapshotHeader")
    throw new CorruptSnapshotError(`${name} does not begin with a snapshot header`);
  if (batches.at(-1)?.controls.at(-1)?.type !== "snapshotFooter") {
    throw new CorruptSnapshotError(`${name} does not end with a snapshot footer`);
  }
  const data = batches.filter(batch => !batch.isControl).map(batch => batch.records);
  return {
    id,
    lastContainedLogTimeMs: header.lastContainedLogTimeMs,
    facts: factsOf(batches),
    sizeBytes: contents.length,
    batches: () => data,
  };
}

/** The header of a snapshot alone, unchecked otherwise: enough to know its age. Null when it has none. */
export function readSnapshotTimeMs(disk: Disk, directory: string, id: SnapshotId): number | null {
  try {
    const file = disk.open(joinPath(directory, snapshotFileName(id)), "read");
    try {
      const target = Buffer.alloc(Math.min(file.size(), 4096));
      file.read(target, 0);
      for (const batch of decodeBatches(target)) {
        const header = batch.controls[0];
        return header?.type === "snapshotHeader" ? header.lastContainedLogTimeMs : null;
      }
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof DiskError) throw error;
  }
  return null;
}

function decodeAll(contents: Buffer, name: string): LoggedBatch[] {
  try {
    return [...decodeBatches(contents)];
  } catch (error) {
    throw new CorruptSnapshotError(`${name}: ${(error as Error).message}`, { cause: error });
  }
}

function factsOf(batches: readonly LoggedBatch[]): Omit<QuorumFacts, "offset"> {
  let kraftVersion = 0;
  let voters: QuorumFacts["voters"] = null;
  for (const batch of batches) {
    for (const record of batch.controls) {
      if (record.type === "kraftVersion") kraftVersion = record.kraftVersion;
      else if (record.type === "voters") voters = record.voters;
    }
  }
  return { kraftVersion, voters };
}
