/** What of a log goes into the journal. */
import { nameOf } from "../../platform/files.ts";
import type { JournalExtent } from "../log-durability.ts";
import { type NewFrame, newFrame } from "./journal-file.ts";

/** What the journal needs of a log; a {@link PartitionLog}. */
export interface JournalLog {
  readonly directory: string;
  readonly topicPartition: { readonly topicId: string };
  readonly isClosed: boolean;
  /** End of what is durable in the log's own files. */
  readonly syncedOffset: number;
  /** Syncs its files. */
  flushNow(): Promise<void>;
  /** As {@link flushNow}, blocking, and nobody is told. Throws after telling that a sync failed. */
  syncNow(): void;
}

export interface JournalEntry<L extends JournalLog = JournalLog> {
  readonly log: L;
  readonly extent: JournalExtent;
  /** The extent as the journal writes it. */
  readonly frame: NewFrame;
}

/** Syncs the files of a log; one that is closed meanwhile is no failure. */
export async function flushOpen(log: JournalLog): Promise<void> {
  try {
    await log.flushNow();
  } catch (error) {
    if (!log.isClosed) throw error;
  }
}

export function journalEntry<L extends JournalLog>(log: L, extent: JournalExtent): JournalEntry<L> {
  const { segment, position, buffers, sizeBytes } = extent;
  const { name, topicId } = identityOf(log);
  const content = { kind: "extent", name, topicId, baseOffset: segment.baseOffset, position } as const;
  return { log, extent, frame: newFrame(content, buffers, sizeBytes) };
}

/** What names a log in the journal. */
export function identityOf(log: JournalLog): { name: string; topicId: string } {
  return { name: nameOf(log.directory), topicId: log.topicPartition.topicId };
}
