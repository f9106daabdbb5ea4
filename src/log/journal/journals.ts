/** The journals of all log directories of a broker, and which logs of a round are written to them. */
import { DiskError } from "../../platform/platform.ts";
import type { FlushGroup } from "../flush-scheduler.ts";
import type { LogDirectory } from "../log-directory.ts";
import type { JournalExtent } from "../log-durability.ts";
import { Journal, type JournalModules } from "./journal.ts";
import { flushOpen, type JournalEntry, type JournalLog, journalEntry } from "./journal-entry.ts";
import type { JournalOptions } from "./journal-options.ts";
import { replayJournal } from "./replay.ts";
import { JournalDamagedError } from "./replay-plan.ts";

/** What a round needs of a log; a {@link PartitionLog}. */
export interface RoundLog extends JournalLog {
  readonly isDirty: boolean;
  /** Counts truncations. */
  readonly cutCount: number;
  writePending(): void;
  /** What of it is not durable, as it is to stand in the journal; null when it is more than `maxBytes`, or only syncing its files will do. */
  journalExtent(maxBytes: number): JournalExtent | null;
  /** The journal holds the extent, durably. */
  journaled(extent: JournalExtent): void;
}

type RoundEntry<L extends RoundLog> = JournalEntry<L>;

export interface JournalsModules<L extends RoundLog> extends Omit<JournalModules, "onFailed"> {
  readonly directoryOf: (log: L) => LogDirectory | undefined;
  /** Whether the journal may hold it. Not one that is flushed beside the rounds of the others: two syncs of a journal file may not overlap. */
  readonly isJournaled: (log: L) => boolean;
  /** Work on a directory's journal failed. */
  readonly onFailed: (directory: LogDirectory, error: unknown) => void;
}

export class Journals<L extends RoundLog> {
  /** Null turns journals off. */
  readonly #options: JournalOptions | null;
  readonly #modules: JournalsModules<L>;
  readonly #journals = new Map<LogDirectory, Journal>();

  constructor(options: JournalOptions | null, modules: JournalsModules<L>) {
    this.#options = options;
    this.#modules = modules;
  }

  /**
   * Replays the journal that a crash left in `directory`, `parallelism` logs at a time, and gives it a new one, which takes no space before it is
   * used. A failure takes the directory offline.
   */
  async recover(directory: LogDirectory, parallelism: number): Promise<void> {
    if (directory.offline) return;
    try {
      await replayJournal(directory.path, { parallelism }, this.#modules);
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof JournalDamagedError)) throw error;
      this.#modules.onFailed(directory, error);
      return;
    }
    if (this.#options === null) return;
    const onFailed = (error: unknown): void => this.#modules.onFailed(directory, error);
    const options = { ...this.#options, directory: directory.path };
    this.#journals.set(directory, new Journal(options, { ...this.#modules, onFailed }));
  }

  /** The journal of a directory in use. */
  of(directory: LogDirectory | undefined): Journal | undefined {
    return directory === undefined || directory.offline ? undefined : this.#journals.get(directory);
  }

  /** Makes the files of all journals now rather than when they pay. */
  async prepare(): Promise<void> {
    await Promise.all([...this.#journals.values()].map(journal => journal.prepare()));
  }

  /**
   * The files of `log` are about to change other than by appends: from here on, durably, nothing that a journal holds of it is replayed. All that it
   * wrote is durable in its files before.
   * @throws DiskError, and the log is as it was
   */
  release(log: L): void {
    const journal = this.of(this.#modules.directoryOf(log));
    if (!journal?.holds(log)) return;
    log.syncNow();
    journal.forget(log);
    journal.syncNow();
  }

  /** How the logs of a round become durable: those of a directory with many of them together, the others each by itself. */
  plan(logs: readonly L[]): FlushGroup<L>[] {
    const groups: FlushGroup<L>[] = [];
    for (const [directory, members] of byDirectory(logs, this.#modules.directoryOf)) {
      const journaled = this.#planJournaled(members, this.of(directory));
      if (journaled !== null) groups.push(...journaled);
      else for (const log of members) groups.push(alone(log));
    }
    return groups;
  }

  /**
   * Each log of a directory takes what costs less: its bytes once more, in the journal, or a sync of its own file. Null when too few are for the journal
   * to be worth its own sync, or it is not there.
   */
  #planJournaled(logs: readonly L[], journal: Journal | undefined): FlushGroup<L>[] | null {
    const options = this.#options;
    if (journal === undefined || options === null || logs.length < options.minLogs) return null;
    const groups: FlushGroup<L>[] = [];
    const entries: RoundEntry<L>[] = [];
    for (const log of logs) {
      log.writePending();
      const extent = this.#modules.isJournaled(log) ? log.journalExtent(options.extentMaxBytes) : null;
      if (extent === null) groups.push(alone(log));
      else entries.push(journalEntry(log, extent));
    }
    if (entries.length < options.minLogs) return null;
    if (!journal.isReady) {
      journal.want();
      return null;
    }
    const parts = partsOf(entries, journal.capacityBytes);
    groups.push({ logs: entries.map(({ log }) => log), flush: () => commitParts(parts, journal, options) });
    return groups;
  }

  /** Ends the background work of all journals. */
  async stop(): Promise<void> {
    await Promise.all([...this.#journals.values()].map(journal => journal.stop()));
  }
}

/** Makes the parts of a round durable, one after the other. */
async function commitParts<L extends RoundLog>(
  parts: readonly RoundEntry<L>[][],
  journal: Journal,
  options: JournalOptions,
): Promise<void> {
  let isCurrent = true;
  for (const part of parts) {
    if (isCurrent) await commit(part, journal);
    else await commitAnew(part, journal, options);
    isCurrent = false;
  }
}

async function commit<L extends RoundLog>(entries: readonly RoundEntry<L>[], journal: Journal): Promise<void> {
  // The files of another log of the round may have failed, and the directory with them.
  const current = entries.filter(({ log, extent }) => !log.isClosed && log.cutCount === extent.cutCount);
  if (await journal.commit(current)) for (const { log, extent } of current) log.journaled(extent);
  else await Promise.all(current.map(({ log }) => flushOpen(log)));
}

/**
 * Commits what the logs of `entries` have to make durable by now. While the part before was synced they may have been cut or deleted, and the memory
 * that their extents were in may hold something else.
 */
async function commitAnew<L extends RoundLog>(
  entries: readonly RoundEntry<L>[],
  journal: Journal,
  options: JournalOptions,
): Promise<void> {
  const current: RoundEntry<L>[] = [];
  const others: L[] = [];
  for (const { log } of entries) {
    if (log.isClosed || !log.isDirty) continue;
    log.writePending();
    const extent = log.journalExtent(options.extentMaxBytes);
    if (extent === null) others.push(log);
    else current.push(journalEntry(log, extent));
  }
  await Promise.all([commit(current, journal), ...others.map(flushOpen)]);
}

/** Splits a round that is more than fits into one file of the journal. */
function partsOf<L extends RoundLog>(entries: readonly RoundEntry<L>[], capacityBytes: number): RoundEntry<L>[][] {
  const parts: RoundEntry<L>[][] = [];
  let part: RoundEntry<L>[] = [];
  let sizeBytes = 0;
  for (const entry of entries) {
    const frameBytes = entry.frame.sizeBytes;
    if (part.length > 0 && sizeBytes + frameBytes > capacityBytes) {
      parts.push(part);
      part = [];
      sizeBytes = 0;
    }
    part.push(entry);
    sizeBytes += frameBytes;
  }
  parts.push(part);
  return parts;
}

function alone<L extends RoundLog>(log: L): FlushGroup<L> {
  return { logs: [log], flush: () => log.flushNow() };
}

function byDirectory<L>(
  logs: readonly L[],
  directoryOf: (log: L) => LogDirectory | undefined,
): Map<LogDirectory | undefined, L[]> {
  return Map.groupBy(logs, directoryOf);
}
