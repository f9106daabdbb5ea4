/**
 * The small text files of a log directory, in Kafka's formats, as pure functions between text and values.
 *
 * Offset checkpoints (`recovery-point-offset-checkpoint`, `log-start-offset-checkpoint`, `replication-offset-checkpoint`): a version line `0`,
 * the number of entries, one line `topic partition offset` each. `leader-epoch-checkpoint` is alike with lines `epoch startOffset`.
 * `partition.metadata` ties a directory to a topic id, and `.kafka_cleanshutdown` says that nothing needs recovery.
 */
import type { LeaderEpochEntry } from "./leader-epochs.ts";

const VERSION = 0;

export interface OffsetCheckpointEntry {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A checkpoint file that is not in its format. Kafka takes the directory offline for it; so do we. */
export class CheckpointError extends Error {
  override name = "CheckpointError";
}

export function encodeOffsetCheckpoint(entries: readonly OffsetCheckpointEntry[]): string {
  const lines = entries.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}\n`);
  return `${VERSION}\n${entries.length}\n${lines.join("")}`;
}

/**
 * An empty file has no entries: Kafka creates its checkpoints so.
 * @throws CheckpointError
 */
export function decodeOffsetCheckpoint(text: string): OffsetCheckpointEntry[] {
  if (text === "") return [];
  return decodeLines(text, 3).map(([topic, partition, offset]) => ({
    topic: topic!,
    partition: integer(partition!),
    offset: integer(offset!),
  }));
}

export function encodeLeaderEpochs(entries: readonly LeaderEpochEntry[]): string {
  const lines = entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}\n`);
  return `${VERSION}\n${entries.length}\n${lines.join("")}`;
}

/** @throws CheckpointError */
export function decodeLeaderEpochs(text: string): LeaderEpochEntry[] {
  return decodeLines(text, 2).map(([epoch, startOffset]) => ({
    epoch: integer(epoch!),
    startOffset: integer(startOffset!),
  }));
}

export function encodePartitionMetadata(topicId: string): string {
  return `version: ${VERSION}\ntopic_id: ${topicId}`;
}

/**
 * Returns the topic id.
 * @throws CheckpointError
 */
export function decodePartitionMetadata(text: string): string {
  const fields = new Map(text.split("\n").map(line => line.split(/:\s*/, 2) as [string, string]));
  const topicId = fields.get("topic_id")?.trim();
  if (fields.get("version")?.trim() !== String(VERSION))
    throw new CheckpointError("unknown version of partition.metadata");
  if (topicId === undefined || !/^[A-Za-z0-9_-]{22}$/.test(topicId))
    throw new CheckpointError("no topic id in partition.metadata");
  return topicId;
}

export function encodeCleanShutdown(brokerEpoch: number): string {
  return JSON.stringify({ version: VERSION, brokerEpoch });
}

/** The broker epoch of the process that stopped cleanly; -1 when the file does not say. */
export function decodeCleanShutdown(text: string): number {
  try {
    const value: unknown = JSON.parse(text);
    const epoch = (value as { brokerEpoch?: unknown } | null)?.brokerEpoch;
    return typeof epoch === "number" && Number.isSafeInteger(epoch) ? epoch : -1;
  } catch {
    return -1;
  }
}

function decodeLines(text: string, width: number): string[][] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (lines[0] !== String(VERSION))
    throw new CheckpointError(`unknown checkpoint version ${JSON.stringify(lines[0] ?? "")}`);
  const count = integer(lines[1] ?? "");
  if (lines.length - 2 !== count) throw new CheckpointError(`checkpoint has ${lines.length - 2} entries, not ${count}`);
  return lines.slice(2).map(line => {
    const fields = line.split(/\s+/);
    if (fields.length !== width) throw new CheckpointError(`malformed checkpoint line ${JSON.stringify(line)}`);
    return fields;
  });
}

function integer(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new CheckpointError(`not a number: ${JSON.stringify(text)}`);
  return value;
}
