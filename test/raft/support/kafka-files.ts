/** Files of a log directory that Apache Kafka 4.3.1 wrote. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const FIXTURES = new URL("../../fixtures/kafka/", import.meta.url);

interface FileVector {
  readonly kind: string;
  readonly path: string;
  readonly hex: string;
}

let vectors: FileVector[] | null = null;

/** The bytes of `path` in the log directory. */
export function kafkaFile(path: string): Buffer {
  vectors ??= gunzipSync(readFileSync(new URL("vectors/files.jsonl.gz", FIXTURES)))
    .toString("utf8")
    .trim()
    .split("\n")
    .map(line => JSON.parse(line) as FileVector);
  const vector = vectors.find(candidate => candidate.path === path);
  if (vector === undefined) throw new Error(`no vector for ${path}`);
  return Buffer.from(vector.hex, "hex");
}

/** The metadata log's only segment: 310 offsets of epoch 1. */
export function kafkaMetadataLog(): Buffer {
  return gunzipSync(readFileSync(new URL("cluster-metadata.log.gz", FIXTURES)));
}
