/** `--from` and `--to`: places in a partition, by offset, by time, from either end. */
import type { ClusterClient } from "../client/cluster-client.ts";
import { usageFailure } from "../client/failure.ts";
import { listOffsets, OffsetQuery } from "./client/offsets.ts";

export type Place =
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" }
  | { readonly kind: "offset"; readonly offset: number }
  /** So many records before the end. */
  | { readonly kind: "back"; readonly count: number }
  | { readonly kind: "time"; readonly timestampMs: number };

/**
 * Reads `earliest` (`beginning`), `latest` (`end`), an offset, `-n` (n records before the end), `@1700000000000` (milliseconds since the
 * epoch) or an ISO 8601 time. Throws a usage failure.
 */
export function parsePlace(option: string, text: string): Place {
  const word = text.trim();
  if (word === "earliest" || word === "beginning") return { kind: "earliest" };
  if (word === "latest" || word === "end") return { kind: "latest" };
  if (/^\d+$/.test(word) && Number.isSafeInteger(Number(word))) return { kind: "offset", offset: Number(word) };
  if (/^-\d+$/.test(word)) return { kind: "back", count: -Number(word) };
  if (/^@\d+$/.test(word)) return { kind: "time", timestampMs: Number(word.slice(1)) };
  const timestampMs = /^\d{4}-\d\d-\d\d/.test(word) ? Date.parse(word) : Number.NaN;
  if (Number.isNaN(timestampMs)) {
    throw usageFailure(
      `--${option} ${text}: expected earliest, latest, an offset, -n for the last n records, @milliseconds, or a time such as 2026-01-31T08:00:00Z.`,
    );
  }
  return { kind: "time", timestampMs };
}

/** The offset of a place in each partition, kept between the partition's start and end. A time after the last record is the end. */
export async function resolvePlace(
  cluster: ClusterClient,
  topic: string,
  partitions: readonly number[],
  place: Place,
  options: { committedOnly?: boolean } = {},
): Promise<Map<number, number>> {
  const ask = async (timestampMs: number): Promise<Map<number, number>> => {
    const found = await listOffsets(cluster, topic, partitions, timestampMs, options);
    return new Map(found.map(({ partition, offset }) => [partition, offset]));
  };
  switch (place.kind) {
    case "earliest":
      return ask(OffsetQuery.EARLIEST);
    case "latest":
      return ask(OffsetQuery.LATEST);
    case "offset":
      return new Map(partitions.map(partition => [partition, place.offset]));
    case "back": {
      const [starts, ends] = await Promise.all([ask(OffsetQuery.EARLIEST), ask(OffsetQuery.LATEST)]);
      return new Map(
        partitions.map(partition => [partition, Math.max(starts.get(partition)!, ends.get(partition)! - place.count)]),
      );
    }
    case "time": {
      const [found, ends] = await Promise.all([ask(place.timestampMs), ask(OffsetQuery.LATEST)]);
      return new Map(
        partitions.map(partition => [
          partition,
          found.get(partition)! < 0 ? ends.get(partition)! : found.get(partition)!,
        ]),
      );
    }
  }
}
