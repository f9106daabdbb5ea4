/**
 * The invariants of replicated partitions and of the metadata image, looked at after every event (RELIABILITY.md I1, I3, I4, I8, I9):
 *
 * - one leader at most of a partition in an epoch; it holds all that was ever acknowledged or read;
 * - a leader's high watermark does not go back in its epoch, and all below is flushed by it and by every member of the in-sync set that the
 *   metadata names, in the same epochs;
 * - equal prefixes of the metadata log make equal images, on every node and after every restart;
 * - what a broker keeps in memory of its logs is bounded.
 */
import { isDeepStrictEqual } from "node:util";
import type { MetadataRecord } from "../../../src/metadata/records.ts";
import { snapshotRecords } from "../../../src/metadata/snapshot.ts";
import type { Partition } from "../../../src/replication/partition.ts";
import { InvariantError } from "../world.ts";
import type { BrokerProcess } from "./broker-process.ts";
import { type History, keyOf } from "./history.ts";

/** What a machine's disk holds of a partition for sure. */
interface Durable {
  readonly topicId: string;
  readonly endOffset: number;
  readonly epochAt: (offset: number) => number;
}

interface Leadership {
  readonly epoch: number;
  highWatermark: number;
}

/** The image is looked at once in so many events of change, for the cost of it. */
const IMAGE_EVERY = 7;

export class PartitionChecks {
  readonly #history: History;
  /** Topics whose acknowledged records are known to {@link History}, by key of the partition. */
  readonly #leaders = new Map<string, string>();
  readonly #leaderships = new WeakMap<Partition, Leadership>();
  /** Of machines whose process has ended: name → partition key → what is there. */
  readonly #atRest = new Map<string, ReadonlyMap<string, Durable>>();
  /** What was on disks that are no more: it counted, as long as their machine is named in sync. */
  readonly #lost = new Map<string, Map<string, Durable>>();
  /** What images are made of, by their offsets. */
  readonly #images = new Map<number, readonly MetadataRecord[]>();
  /** Of each process: the offset of its image that was looked at last. */
  readonly #imageOffsets = new WeakMap<BrokerProcess, number>();
  #imageCount = 0;
  electionCount = 0;

  constructor(history: History) {
    this.#history = history;
  }

  /** Looks at the processes that may have changed, among all that run. */
  afterEvent(changed: readonly BrokerProcess[], processes: readonly BrokerProcess[]): void {
    for (const process of changed) {
      const { services } = process;
      if (services === null) continue;
      for (const partition of services.replicas.partitions()) {
        if (partition.isLeader && !partition.isOffline) this.#checkLeader(process, partition, processes);
      }
      this.#checkImage(process);
    }
  }

  /** The process is about to be no more: what its disk holds stays. */
  processEnds(process: BrokerProcess): void {
    if (process.logs === null) return;
    // What was not opened when the process ended is as the life before left it.
    const durable = new Map(this.#atRest.get(process.options.name));
    if (process.services !== null) durable.clear();
    for (const log of process.logs.all()) {
      const { topic, partition, topicId } = log.topicPartition;
      durable.set(keyOf(topic, partition), {
        topicId,
        endOffset: log.flushedOffset,
        epochAt: offset => (offset < log.logStartOffset ? -1 : log.epochForOffset(offset)),
      });
    }
    this.#atRest.set(process.options.name, durable);
  }

  /** The machine, at rest, has a new disk. */
  diskLost(name: string): void {
    this.#lost.set(name, new Map(this.#atRest.get(name)));
    this.#atRest.delete(name);
  }

  /** All is at rest: everybody must have the same image. */
  checkImages(processes: readonly BrokerProcess[]): void {
    for (const process of processes) this.#checkImage(process, true);
  }

  #checkLeader(process: BrokerProcess, partition: Partition, processes: readonly BrokerProcess[]): void {
    const { log, leaderEpoch, highWatermark } = partition;
    let leadership = this.#leaderships.get(partition);
    if (leadership?.epoch !== leaderEpoch) {
      leadership = { epoch: leaderEpoch, highWatermark: 0 };
      this.#leaderships.set(partition, leadership);
      this.#newLeader(process, partition, processes);
    }
    if (highWatermark === leadership.highWatermark) return;
    const key = keyOf(partition.topic, partition.index);
    const { name } = process.options;
    if (highWatermark < leadership.highWatermark) {
      throw new InvariantError(
        `${name}'s high watermark of ${key} went from ${leadership.highWatermark} to ${highWatermark} in epoch ${leaderEpoch}`,
      );
    }
    leadership.highWatermark = highWatermark;
    if (highWatermark > log.flushedOffset) {
      throw new InvariantError(
        `${name} raised the high watermark of ${key} to ${highWatermark}; flushed is ${log.flushedOffset}`,
      );
    }
    this.#checkInSync(process, partition, processes);
  }

  #newLeader(process: BrokerProcess, partition: Partition, processes: readonly BrokerProcess[]): void {
    const { name } = process.options;
    const { topic, topicId, index, leaderEpoch, log } = partition;
    const key = keyOf(topic, index);
    const epochKey = `${topicId}-${index}@${leaderEpoch}`;
    const known = this.#leaders.get(epochKey);
    // A process that begins anew goes through what it was before, until it has heard the news.
    if (known === name || (newestPartition(processes, topicId, index)?.leaderEpoch ?? -1) > leaderEpoch) return;
    if (known !== undefined) {
      throw new InvariantError(`${name} leads ${key} in epoch ${leaderEpoch}, which ${known} led`);
    }
    this.#leaders.set(epochKey, name);
    this.electionCount += 1;
    const history = this.#history.partitions.get(key);
    if (history === undefined || log.logEndOffset >= history.endOffset) return;
    throw new InvariantError(
      `${name} leads ${key} in epoch ${leaderEpoch} with a log up to ${log.logEndOffset}; ${history.endOffset - 1} was acknowledged or read`,
    );
  }

  /** StrongIsr: whoever the metadata names in sync has all below the high watermark on its disk. */
  #checkInSync(process: BrokerProcess, partition: Partition, processes: readonly BrokerProcess[]): void {
    const { topic, topicId, index, highWatermark, leaderEpoch, log } = partition;
    const image = newestPartition(processes, topicId, index);
    if (image === undefined || image.leaderEpoch !== leaderEpoch || highWatermark === 0) return;
    const epoch = log.epochForOffset(highWatermark - 1);
    const key = keyOf(topic, index);
    for (const [name, partitions] of this.#lost) {
      if (!image.isr.includes(Number(name.slice(1)))) partitions.delete(key);
    }
    for (const id of image.isr) {
      const name = `n${id}`;
      if (name === process.options.name) continue;
      const durable = this.#durableOf(name, topic, topicId, index, processes);
      if (durable === "unknown") continue;
      if ((this.#lost.get(name)?.get(key)?.endOffset ?? -1) >= highWatermark) continue;
      const itsEpoch = durable === null ? -2 : durable.epochAt(highWatermark - 1);
      if (durable !== null && durable.endOffset >= highWatermark && (itsEpoch === epoch || itsEpoch < 0)) continue;
      throw new InvariantError(
        `${process.options.name} raised the high watermark of ${keyOf(topic, index)} to ${highWatermark}, but ${name}, in sync, ` +
          `has ${durable?.endOffset ?? "nothing"} on disk (epochs ${epoch} and ${itsEpoch})`,
      );
    }
  }

  /** Up to where a replica is on the disk of `nodeId` for sure; null where nobody knows. */
  durableEndOf(
    nodeId: number,
    topic: { readonly id: string; readonly name: string },
    index: number,
    processes: readonly BrokerProcess[],
  ): number | null {
    const name = `n${nodeId}`;
    const durable = this.#durableOf(name, topic.name, topic.id, index, processes);
    if (durable === "unknown") return null;
    const lostOffset = this.#lost.get(name)?.get(keyOf(topic.name, index))?.endOffset ?? 0;
    return Math.max(durable?.endOffset ?? 0, lostOffset);
  }

  #durableOf(
    name: string,
    topic: string,
    topicId: string,
    index: number,
    processes: readonly BrokerProcess[],
  ): Durable | null | "unknown" {
    const process = processes.find(({ options }) => options.name === name);
    if (process?.services != null) {
      const log = process.services.logs.get(topic, index);
      if (log === undefined || log.topicPartition.topicId !== topicId) return null;
      return {
        topicId,
        endOffset: log.flushedOffset,
        epochAt: offset => (offset < log.logStartOffset ? -1 : log.epochForOffset(offset)),
      };
    }
    const durable = this.#atRest.get(name)?.get(keyOf(topic, index));
    return durable === undefined || durable.topicId !== topicId ? "unknown" : durable;
  }

  #checkImage(process: BrokerProcess, isAlways = false): void {
    if (process.services === null) return;
    const { image } = process.services.metadata;
    if (image.offset < 0 || this.#imageOffsets.get(process) === image.offset) return;
    this.#imageOffsets.set(process, image.offset);
    this.#imageCount += 1;
    const known = this.#images.get(image.offset);
    // Of those that nobody has looked at, some are enough; what was looked at once is always compared.
    if (!isAlways && known === undefined && this.#imageCount % IMAGE_EVERY !== 0) return;
    const records = [...snapshotRecords(image)];
    if (known === undefined) this.#images.set(image.offset, records);
    else if (!isDeepStrictEqual(known, records)) {
      throw new InvariantError(`${process.options.name} has another image at metadata offset ${image.offset}`);
    }
  }
}

/** The partition by the newest metadata that anybody has applied. */
function newestPartition(processes: readonly BrokerProcess[], topicId: string, index: number) {
  let newest: BrokerProcess | null = null;
  for (const process of processes) {
    const offset = process.services?.metadata.image.offset ?? -1;
    if (offset > (newest?.services?.metadata.image.offset ?? -1)) newest = process;
  }
  return newest?.services?.metadata.image.topics.byId.get(topicId)?.partitions[index];
}
