/** Where `samsa groups reset-offsets` may move a group to, and what that is in each partition. */
import { readFile } from "node:fs/promises";
import type { ClusterClient } from "../../../client/cluster-client.ts";
import { CliFailure, usageFailure } from "../../../client/failure.ts";
import type { CommittedOffset } from "../../client/groups.ts";
import { listOffsets, OffsetQuery } from "../../client/offsets.ts";

export type OffsetTarget =
  | { readonly kind: "earliest" | "latest" | "current" }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "shift"; readonly by: number }
  | { readonly kind: "time"; readonly timestampMs: number };

const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };

/** Reads `--to-datetime`; a time without a zone is of this machine's. Throws a usage failure. */
export function parseDatetime(text: string): number {
  const timestampMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timestampMs)) return timestampMs;
  throw usageFailure(`--to-datetime ${text}: expected a time such as 2026-01-31T08:00:00Z.`);
}

/** Reads `--by-duration` in milliseconds: `PT1H30M` as ISO 8601 has it, or `90m`, `36h`, `7d`. Throws a usage failure. */
export function parseDuration(text: string): number {
  const match = /^(?:P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?|(\d+)([dhms]))$/i.exec(text.trim());
  if (match === null || /^PT?$/i.test(text.trim())) {
    throw usageFailure(`--by-duration ${text}: expected a duration such as PT1H30M, 90m or 7d.`);
  }
  const [, days, hours, minutes, seconds, count, unit] = match;
  if (count !== undefined) return Number(count) * UNIT_MS[unit!.toLowerCase()]!;
  const parts = [days, hours, minutes, seconds].map(part => Number(part ?? 0));
  return parts.reduce((sum, part, index) => sum + part * [86_400_000, 3_600_000, 60_000, 1_000][index]!, 0);
}

/** Reads `topic` or `topic:0,2`. Partitions are null where all are meant. Throws a usage failure. */
export function parseTopicPartitions(text: string): { topic: string; partitions: readonly number[] | null } {
  const match = /^([\w.-]+)(?::(\d+(?:,\d+)*))?$/.exec(text);
  if (match === null) throw usageFailure(`--topic ${text}: expected topic, or topic:0,2 for some of its partitions.`);
  return { topic: match[1]!, partitions: match[2]?.split(",").map(Number) ?? null };
}

/** The offsets in a file of lines `topic,partition,offset`, as `--export` prints them (and kafka-consumer-groups). Throws a failure. */
export async function readOffsetFile(path: string): Promise<CommittedOffset[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new CliFailure(`Cannot read ${path}: ${error.code}.`);
  });
  const offsets: CommittedOffset[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const match = /^"?([\w.-]+)"?,(\d+),(\d+)$/.exec(line.trim());
    if (match === null) throw new CliFailure(`${path}, line ${index + 1}: expected topic,partition,offset.`);
    offsets.push({ topic: match[1]!, partition: Number(match[2]), offset: Number(match[3]) });
  }
  return offsets;
}

/**
 * The offset that a target means in each partition of a topic, kept between the partition's start and its end; a time after the last record is
 * the end. Partitions without a committed offset are left out of `current`, and fail `shift`.
 */
export async function resolveTarget(
  cluster: ClusterClient,
  topic: string,
  partitions: readonly number[],
  target: OffsetTarget,
  committed: ReadonlyMap<number, number>,
): Promise<Map<number, number>> {
  const ask = async (timestampMs: number): Promise<Map<number, number>> => {
    const found = await listOffsets(cluster, topic, partitions, timestampMs);
    return new Map(found.map(({ partition, offset }) => [partition, offset]));
  };
  const [starts, ends] = await Promise.all([ask(OffsetQuery.EARLIEST), ask(OffsetQuery.LATEST)]);
  const times = target.kind === "time" ? await ask(target.timestampMs) : null;
  const wanted = (partition: number): number | null => {
    switch (target.kind) {
      case "earliest":
        return starts.get(partition)!;
      case "latest":
        return ends.get(partition)!;
      case "current":
        return committed.get(partition) ?? null;
      case "offset":
        return target.offset;
      case "shift":
        return shifted(topic, partition, committed.get(partition), target.by);
      case "time":
        return times!.get(partition)! < 0 ? ends.get(partition)! : times!.get(partition)!;
    }
  };
  const resolved = new Map<number, number>();
  for (const partition of partitions) {
    const offset = wanted(partition);
    if (offset === null) continue;
    resolved.set(partition, Math.min(Math.max(offset, starts.get(partition)!), ends.get(partition)!));
  }
  return resolved;
}

function shifted(topic: string, partition: number, committed: number | undefined, by: number): number {
  if (committed !== undefined) return committed + by;
  throw new CliFailure(`The group has committed nothing in ${topic}-${partition}: there is nothing to shift.`, {
    advice: "Give an absolute place, such as --to-earliest.",
  });
}
