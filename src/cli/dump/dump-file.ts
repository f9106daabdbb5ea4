/** Which kind of file of a data directory a path is, and its dump. */
import { basename, dirname } from "node:path";
import { dumpOffsetIndex, dumpProducerSnapshot, dumpTimeIndex, dumpTransactionIndex } from "./dump-index.ts";
import { dumpLog, type LogDumpOptions } from "./dump-log.ts";
import { type DecoderName, decoderOfTopic, recordDecoder } from "./record-decoder.ts";

export type FileKind =
  | "log"
  | "index"
  | "timeindex"
  | "txnindex"
  | "producer-snapshot"
  | "metadata-snapshot"
  | "bootstrap"
  | "text";

const TEXT_FILES = [
  "leader-epoch-checkpoint",
  "partition.metadata",
  "meta.properties",
  "quorum-state",
  "recovery-point-offset-checkpoint",
  "log-start-offset-checkpoint",
  "replication-offset-checkpoint",
  "cleaner-offset-checkpoint",
  ".kafka_cleanshutdown",
];

/** The kind of a file by its name, with a suffix such as `.deleted` or `.cleaned` taken off; null for a file of no kind we know. */
export function fileKind(path: string): FileKind | null {
  const name = basename(path).replace(/\.(deleted|cleaned|swap)$/, "");
  if (TEXT_FILES.includes(name)) return "text";
  if (name === "bootstrap.checkpoint") return "bootstrap";
  if (/^\d{20}-\d{10}\.checkpoint$/.test(name)) return "metadata-snapshot";
  const suffix = /^\d{20}\.(log|index|timeindex|txnindex|snapshot)$/.exec(name)?.[1];
  return suffix === "snapshot" ? "producer-snapshot" : ((suffix as FileKind | undefined) ?? null);
}

export type FileDumpOptions = Omit<LogDumpOptions, "decoder"> & {
  /** By the partition's directory when left out. */
  readonly decoder?: DecoderName;
};

/** Lines about one file, a heading first. */
export function* dumpFile(path: string, kind: FileKind, contents: Buffer, options: FileDumpOptions): Generator<string> {
  yield `Dumping ${path}`;
  const baseOffset = Number(/^\d{20}/.exec(basename(path))?.[0] ?? 0);
  const isMetadata = kind === "bootstrap" || kind === "metadata-snapshot";
  const decoder = recordDecoder(options.decoder ?? (isMetadata ? "metadata" : decoderOfTopic(topicOf(path))));
  switch (kind) {
    case "log":
      yield `Log starting offset: ${baseOffset}`;
      yield* dumpLog(contents, { ...options, decoder });
      return;
    case "metadata-snapshot": {
      const epoch = Number(/-(\d{10})\./.exec(basename(path))![1]);
      yield `Snapshot end offset: ${baseOffset}, epoch: ${epoch}`;
      yield* dumpLog(contents, { ...options, decoder });
      return;
    }
    case "bootstrap":
      yield "KRaft bootstrap snapshot";
      yield* dumpLog(contents, { ...options, decoder });
      return;
    case "index":
      yield* dumpOffsetIndex(contents, baseOffset, path);
      return;
    case "timeindex":
      yield* dumpTimeIndex(contents, baseOffset);
      return;
    case "txnindex":
      yield* dumpTransactionIndex(contents);
      return;
    case "producer-snapshot":
      yield* dumpProducerSnapshot(contents);
      return;
    case "text":
      yield contents.toString().replace(/\n$/, "");
  }
}

/** The topic that a file belongs to, by its directory `<topic>-<partition>`. */
function topicOf(path: string): string {
  return basename(dirname(path)).replace(/-\d+$/, "");
}
