/**
 * What must hold at every moment of the model.
 *
 * - *Committed stays*: what was below the high watermark of any replica once, or was acknowledged, is at its offset in the log of every later leader
 *   (the log's own start aside), and no replica shows anything else there.
 * - *StrongIsr*: all that was ever committed is on the disk of every member of the ISR, as far as it is up.
 */
import { baseOffsetAt, crcAt, lastOffsetAt, partitionLeaderEpochAt } from "../../../protocol/records/batch.ts";
import { forEachBatch } from "../../../src/log/batch-walk.ts";
import type { PartitionLog } from "../../../src/log/index.ts";
import type { Partition } from "../../../src/replication/partition.ts";
import type { ModelController } from "./controller.ts";
import type { ModelNode } from "./node.ts";

/** A batch as it was written: no two are alike. */
type BatchId = string;

/** What a log holds, offset by offset. */
class Contents {
  readonly #log: PartitionLog;
  #ids: BatchId[] = [];
  #cutCount: number;

  constructor(log: PartitionLog) {
    this.#log = log;
    this.#cutCount = log.cutCount;
  }

  isOf(log: PartitionLog): boolean {
    return this.#log === log;
  }

  /** Undefined below the log start and above the end. */
  get ids(): readonly (BatchId | undefined)[] {
    const log = this.#log;
    if (log.cutCount !== this.#cutCount) {
      this.#cutCount = log.cutCount;
      this.#ids = [];
    }
    const from = Math.max(this.#ids.length, log.logStartOffset);
    if (from >= log.logEndOffset) return this.#ids;
    log.writePending();
    const { segments } = log;
    for (let index = Math.max(0, segments.indexFor(from)); index < segments.count; index += 1) {
      const segment = segments.at(index)!;
      forEachBatch(segment.file, segment.offsetIndex.positionFor(from), segment.sizeBytes, (buffer, position) => {
        const id = `${partitionLeaderEpochAt(buffer, position)}:${crcAt(buffer, position)}`;
        for (let at = baseOffsetAt(buffer, position); at <= lastOffsetAt(buffer, position); at += 1) this.#ids[at] = id;
        return true;
      });
    }
    return this.#ids;
  }
}

export class Checks {
  readonly #nodes: readonly ModelNode[];
  readonly #controller: ModelController;
  readonly #contents = new Map<number, Contents>();
  /** By offset: what was committed there. */
  readonly #committed: BatchId[] = [];
  readonly #seenWatermark = new Map<PartitionLog, number>();
  readonly #checkedEpochs = new Map<PartitionLog, number>();
  #checkedImage: unknown = null;
  acknowledgedCount = 0;

  constructor(nodes: readonly ModelNode[], controller: ModelController) {
    this.#nodes = nodes;
    this.#controller = controller;
  }

  get committedCount(): number {
    return this.#committed.length;
  }

  idsOf(node: ModelNode): readonly (BatchId | undefined)[] {
    const { log } = node.partition!;
    let contents = this.#contents.get(node.id);
    if (contents === undefined || !contents.isOf(log)) {
      contents = new Contents(log);
      this.#contents.set(node.id, contents);
    }
    return contents.ids;
  }

  /** The leader has acknowledged what is in [`baseOffset`, `endOffset`). */
  acknowledged(node: ModelNode, baseOffset: number, endOffset: number): void {
    this.acknowledgedCount += 1;
    // And with it all that is below.
    this.#commit(node, Math.min(baseOffset, this.#committed.length), endOffset, "acknowledged");
  }

  /** To be asked after every event. */
  afterEvent(): void {
    const committedBefore = this.#committed.length;
    for (const node of this.#nodes) {
      const { partition } = node;
      if (partition === null || partition.isOffline) continue;
      this.#checkNewLeader(node, partition);
      const { log } = partition;
      const seen = this.#seenWatermark.get(log) ?? log.logStartOffset;
      if (log.highWatermark <= seen) continue;
      this.#seenWatermark.set(log, log.highWatermark);
      this.#commit(node, Math.max(seen, log.logStartOffset), log.highWatermark, "visible");
    }
    const { image } = this.#controller;
    if (image === this.#checkedImage && this.#committed.length === committedBefore) return;
    this.#checkedImage = image;
    for (const id of image.partition.isr) this.#checkMember(this.#nodes.find(node => node.id === id)!);
  }

  #isTrueLeader(node: ModelNode, { leader }: Partition): boolean {
    const { partition } = this.#controller.image;
    return leader !== null && partition.leader === node.id && partition.leaderEpoch === leader.leaderEpoch;
  }

  #commit(node: ModelNode, from: number, to: number, how: string): void {
    const ids = this.idsOf(node);
    for (let offset = from; offset < to; offset += 1) {
      const id = ids[offset];
      if (id === undefined) throw new Error(`${how} at node ${node.id}: nothing at offset ${offset}`);
      this.#committed[offset] ??= id;
      if (this.#committed[offset] === id) continue;
      throw new Error(`${how} at node ${node.id}: ${id} at ${offset}, where ${this.#committed[offset]} was committed`);
    }
  }

  /** A leader of a new epoch has everything that was ever committed. */
  #checkNewLeader(node: ModelNode, partition: Partition): void {
    const { leader, log } = partition;
    if (leader === null || this.#checkedEpochs.get(log) === leader.leaderEpoch) return;
    if (!this.#isTrueLeader(node, partition)) return;
    this.#checkedEpochs.set(log, leader.leaderEpoch);
    const ids = this.idsOf(node);
    for (let offset = log.logStartOffset; offset < this.#committed.length; offset += 1) {
      if (ids[offset] === this.#committed[offset]) continue;
      const epoch = leader.leaderEpoch;
      throw new Error(
        `leader ${node.id} of epoch ${epoch} has ${ids[offset]} at ${offset}, not ${this.#committed[offset]}`,
      );
    }
  }

  #checkMember(node: ModelNode): void {
    if (node.partition === null || node.partition.isOffline) return;
    const { flushedOffset, logStartOffset } = node.partition.log;
    const ids = this.idsOf(node);
    for (let offset = logStartOffset; offset < this.#committed.length; offset += 1) {
      if (offset < flushedOffset && ids[offset] === this.#committed[offset]) continue;
      throw new Error(`${node.id} in the ISR lacks ${offset}, which is committed (it has flushed to ${flushedOffset})`);
    }
  }
}
