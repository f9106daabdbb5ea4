/** What a metadata log's directory holds at start: the newest intact snapshot, the log behind it, and who the voters are. */
import type { Logger } from "../logging/logger.ts";
import { decodeBatches, type LoggedBatch } from "./batches.ts";
import { noteControlRecords } from "./control-history.ts";
import { QuorumHistory } from "./quorum-history.ts";
import type { RaftLog } from "./raft-log.ts";
import type { SnapshotFile } from "./snapshot-file.ts";
import type { Snapshots } from "./snapshots.ts";

/** Bytes read from the log at a time. */
const READ_CHUNK_BYTES = 1024 * 1024;

export interface Recovered {
  readonly snapshot: SnapshotFile | null;
  readonly quorum: QuorumHistory;
}

/**
 * Brings snapshots and log into line. Throws when the log starts behind what intact snapshots cover, or cannot be read: nothing is deleted to
 * get started, corrupt snapshots are set aside.
 */
export async function recover(modules: { log: RaftLog; snapshots: Snapshots; logger: Logger }): Promise<Recovered> {
  const { log, snapshots, logger } = modules;
  snapshots.recover();
  const snapshot = snapshots.loadLatest();
  const endOffset = snapshot?.id.endOffset ?? 0;
  if (endOffset < log.logStartOffset) {
    throw new Error(`the metadata log starts at ${log.logStartOffset}, and no intact snapshot covers what came before`);
  }
  if (snapshot !== null && !holds(log, snapshot.id)) {
    // A snapshot is made of committed records only, so what the log lacks of it is not lost (KIP-630, a crash before the log followed).
    logger.warn("raft.log-behind-snapshot", { logEndOffset: log.logEndOffset, snapshotEndOffset: endOffset });
    log.truncateFullyAndStartAt(endOffset);
  }
  // Their removal may not have outlived a crash; with the log gone that began behind them, they are no use.
  snapshots.removeBefore({ endOffset: log.logStartOffset, epoch: 0 });
  const quorum = new QuorumHistory();
  const { kraftVersion = 0, voters = null } = snapshot?.facts ?? {};
  quorum.reset({ offset: endOffset - 1, kraftVersion, voters });
  for (let offset = Math.max(endOffset, log.logStartOffset); offset < log.logEndOffset; ) {
    for (const batch of await readBatches(log, offset, log.logEndOffset)) {
      if (batch.isControl) noteControlRecords(quorum, batch.baseOffset, batch.controls);
      offset = batch.lastOffset + 1;
    }
  }
  return { snapshot, quorum };
}

/**
 * Whether the log reaches up to the snapshot's end, in the snapshot's epoch there. One that goes on behind it in another epoch is what a follower
 * had before it took the snapshot from its leader.
 */
function holds(log: RaftLog, { endOffset, epoch }: SnapshotFile["id"]): boolean {
  if (endOffset > log.logEndOffset) return false;
  if (endOffset <= log.logStartOffset || log.leaderEpoch < 0) return true;
  const known = log.offsetForLeaderEpoch(epoch);
  return known.leaderEpoch === epoch && known.endOffset >= endOffset;
}

/** Batches from the one that holds `offset`, at least one, below `limitOffset`. */
export async function readBatches(log: RaftLog, offset: number, limitOffset: number): Promise<LoggedBatch[]> {
  const outcome = await log.read(offset, READ_CHUNK_BYTES, limitOffset, { minOneBatch: true });
  if (!outcome.ok) throw new Error(`the metadata log cannot be read at ${offset}: error ${outcome.errorCode}`);
  const bytes = outcome.chunks.length === 1 ? (outcome.chunks[0] as Buffer) : Buffer.concat(outcome.chunks);
  const batches = [...decodeBatches(bytes)].filter(batch => batch.lastOffset >= offset);
  if (batches.length === 0) throw new Error(`the metadata log has nothing at ${offset}, below ${limitOffset}`);
  return batches;
}
