/** What is compared once all is at rest: every replica of a partition holds the same bytes. */
import { baseOffsetAt } from "../../../protocol/records/batch.ts";
import { forEachBatch } from "../../../src/log/batch-walk.ts";
import type { PartitionLog } from "../../../src/log/index.ts";
import { InvariantError } from "../world.ts";
import type { BrokerProcess } from "./broker-process.ts";
import { type History, keyOf } from "./history.ts";

/** I3: byte-equal below the high watermark, batch by batch, where both logs hold them. */
export function checkReplicas(processes: readonly BrokerProcess[], history: History): void {
  const seen = new Map<string, { name: string; batches: ReadonlyMap<number, Buffer> }>();
  for (const { options, services } of processes) {
    for (const partition of services!.replicas.partitions()) {
      const key = keyOf(partition.topic, partition.index);
      if (partition.isOffline) throw new InvariantError(`${options.name} has ${key} offline`);
      const batches = batchesOf(partition.log);
      const { endOffset } = history.partitions.get(key) ?? { endOffset: 0 };
      if (partition.log.highWatermark < endOffset) {
        throw new InvariantError(`${options.name} has ${key} up to ${partition.log.highWatermark}, not ${endOffset}`);
      }
      const other = seen.get(key);
      if (other === undefined) seen.set(key, { name: options.name, batches });
      else compare(key, options.name, batches, other.name, other.batches);
    }
  }
}

function compare(
  key: string,
  name: string,
  batches: ReadonlyMap<number, Buffer>,
  otherName: string,
  others: ReadonlyMap<number, Buffer>,
): void {
  const start = Math.max(Math.min(...batches.keys()), Math.min(...others.keys()));
  for (const [offset, bytes] of batches) {
    if (offset >= start && others.get(offset)?.equals(bytes) !== true) {
      throw new InvariantError(`${name} and ${otherName} hold different batches of ${key} at ${offset}`);
    }
  }
  for (const offset of others.keys()) {
    if (offset >= start && !batches.has(offset)) {
      throw new InvariantError(`${name} has no batch of ${key} at ${offset}, ${otherName} has`);
    }
  }
}

function batchesOf(log: PartitionLog): Map<number, Buffer> {
  const batches = new Map<number, Buffer>();
  for (const segment of log.segments.all()) {
    forEachBatch(segment.file, 0, segment.sizeBytes, (buffer, position, sizeBytes) => {
      // What was deleted below the start may be there still, or again.
      if (baseOffsetAt(buffer, position) < log.logStartOffset) return true;
      const bytes = Buffer.from(buffer.subarray(position, position + sizeBytes));
      batches.set(baseOffsetAt(bytes, 0), bytes);
      return true;
    });
  }
  return batches;
}
