/** The data directories that Apache Kafka 4.3.1 wrote, unpacked into a disk in memory. */
import fs from "node:fs";
import zlib from "node:zlib";
import type { MemoryDisk } from "../../../src/platform/memory.ts";

const FIXTURES = new URL("../../fixtures/kafka/", import.meta.url);
const BLOCK_SIZE_BYTES = 512;

export interface ManifestPartition {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  readonly logStartOffset: number;
  readonly lastStableOffset: number;
  readonly highWatermark: number;
  readonly committedRecords: number;
  readonly sha256: string;
  readonly lastAckedOffset?: number;
}

export interface ManifestGroup {
  readonly group: string;
  readonly type: "Classic" | "Consumer" | "Share";
  readonly protocol: string;
  readonly offsets: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    /** Left out when the commit named none. */
    readonly leaderEpoch?: number;
    readonly metadata: string;
  }[];
}

/** What Kafka itself read from the directory. */
export interface Manifest {
  readonly clusterId: string;
  readonly partitions: readonly ManifestPartition[];
  readonly groups: readonly ManifestGroup[];
  readonly transactions: readonly {
    readonly transactionalId: string;
    readonly producerId: number;
    readonly state: string;
  }[];
}

export function manifest(kind: "clean" | "unclean"): Manifest {
  return JSON.parse(fs.readFileSync(new URL("manifest.json", FIXTURES), "utf8"))[kind];
}

/** What Kafka itself read from each partition. */
export function manifestPartitions(kind: "clean" | "unclean"): readonly ManifestPartition[] {
  return manifest(kind).partitions;
}

/** The files of a directory, by path below it. */
export function kafkaFiles(kind: "clean" | "unclean"): Map<string, Buffer> {
  const name = kind === "clean" ? "datadir-4.3.1.tgz" : "datadir-4.3.1-unclean.tgz";
  const tar = zlib.gunzipSync(fs.readFileSync(new URL(name, FIXTURES)));
  const files = new Map<string, Buffer>();
  for (let position = 0; position + BLOCK_SIZE_BYTES <= tar.length; ) {
    const path = text(tar, position, 100);
    if (path === "") break;
    const sizeBytes = Number.parseInt(text(tar, position + 124, 12), 8);
    const type = text(tar, position + 156, 1);
    const start = position + BLOCK_SIZE_BYTES;
    if (type === "0" || type === "") {
      const prefix = text(tar, position + 345, 155);
      const whole = (prefix === "" ? path : `${prefix}/${path}`).replace(/^(\.\/)?datadir\//, "");
      files.set(whole, tar.subarray(start, start + sizeBytes));
    } else if (type !== "5") {
      throw new Error(`tar entry of type ${type}: ${path}`);
    }
    position = start + Math.ceil(sizeBytes / BLOCK_SIZE_BYTES) * BLOCK_SIZE_BYTES;
  }
  return files;
}

/** Writes the files below `directory`. */
export function unpack(files: ReadonlyMap<string, Buffer>, disk: MemoryDisk, directory: string): void {
  for (const [path, contents] of files) {
    const whole = `${directory}/${path}`;
    disk.makeDirectory(whole.slice(0, whole.lastIndexOf("/")));
    disk.writeFile(whole, contents);
  }
}

function text(tar: Buffer, position: number, length: number): string {
  return tar
    .toString("latin1", position, position + length)
    .split("\0")[0]!
    .trim();
}
