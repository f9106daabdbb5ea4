/** The metadata log and snapshots that Apache Kafka 4.3.1 wrote, decoded, and the images they make. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { ImageEditor } from "../../../src/metadata/apply.ts";
import { emptyImage, type MetadataImage } from "../../../src/metadata/image.ts";
import { type MetadataRecord, metadataRecordCodec } from "../../../src/metadata/records.ts";
import { decodeBatches, type LoggedBatch } from "../../../src/raft/batches.ts";

const FIXTURES = new URL("../../fixtures/kafka/", import.meta.url);

interface FileVector {
  readonly path: string;
  readonly hex: string;
}

/** Batches of the metadata log of the directory that was stopped cleanly, or of the one that was killed. */
export function kafkaMetadataBatches(which: "clean" | "unclean"): LoggedBatch[] {
  const name = which === "clean" ? "cluster-metadata.log.gz" : "cluster-metadata-unclean.log.gz";
  return [...decodeBatches(gunzipSync(readFileSync(new URL(name, FIXTURES))))];
}

/** The records of a snapshot of the clean directory, e.g. `00000000000000000308-0000000001.checkpoint`. */
export function kafkaSnapshotRecords(name: string): MetadataRecord[] {
  const lines = gunzipSync(readFileSync(new URL("vectors/files.jsonl.gz", FIXTURES)))
    .toString("utf8")
    .trim()
    .split("\n");
  const file = lines
    .map(line => JSON.parse(line) as FileVector)
    .find(({ path }) => path === `__cluster_metadata-0/${name}`);
  if (file === undefined) throw new Error(`there is no ${name}`);
  return [...decodeBatches(Buffer.from(file.hex, "hex"))].flatMap(({ records }) =>
    records.map(metadataRecordCodec.decode),
  );
}

export interface Manifest {
  readonly clusterId: string;
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly topicId: string }[];
  readonly finalizedFeatures: readonly { readonly name: string; readonly level: number }[];
}

export function manifest(which: "clean" | "unclean"): Manifest {
  return JSON.parse(readFileSync(new URL("manifest.json", FIXTURES), "utf8"))[which];
}

/** The image after all records below `endOffset`. */
export function imageOf(batches: readonly LoggedBatch[], endOffset = Number.POSITIVE_INFINITY): MetadataImage {
  const editor = new ImageEditor(emptyImage);
  let last: LoggedBatch | undefined;
  for (const batch of batches) {
    if (batch.baseOffset >= endOffset) break;
    for (const value of batch.records) editor.apply(metadataRecordCodec.decode(value));
    last = batch;
  }
  return editor.finish(last?.lastOffset ?? -1, last?.epoch ?? -1).image;
}

/** The image of a snapshot's records. */
export function imageFromRecords(records: Iterable<MetadataRecord>, offset = -1, epoch = -1): MetadataImage {
  const editor = new ImageEditor(emptyImage);
  for (const record of records) editor.apply(record);
  return editor.finish(offset, epoch).image;
}

/** An image as plain values without its position, for comparing. */
export function plain(image: MetadataImage): unknown {
  return {
    topics: sorted(image.topics.byName),
    ids: sorted(image.topics.byId),
    brokers: sorted(image.cluster.brokers).map(([id, broker]) => [id, withSortedFeatures(broker)]),
    controllers: sorted(image.cluster.controllers).map(([id, controller]) => [id, withSortedFeatures(controller)]),
    configs: sorted(image.configs.resources).map(([key, { type, name, values }]) => [key, type, name, sorted(values)]),
    features: sorted(image.features),
    nextProducerId: image.nextProducerId,
    acls: sorted(image.security.acls),
    scram: sorted(image.security.scramCredentials),
    tokens: sorted(image.security.delegationTokens),
    quotas: sorted(image.security.clientQuotas).map(([key, { entity, values }]) => [key, entity, sorted(values)]),
  };
}

/** The list of features is a set. */
function withSortedFeatures<T extends { readonly features: readonly { readonly name: string }[] }>(node: T): T {
  return { ...node, features: [...node.features].sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function sorted<K, V>(entries: Iterable<[K, V]>): [K, V][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
